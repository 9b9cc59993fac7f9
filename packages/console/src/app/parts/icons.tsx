import type { ReactNode } from "react";

function Icon({ children }: { readonly children: ReactNode }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

const drawings = {
  overview: <path d="M2.5 11h3l2-6 4 11 2.2-5h3.8" />,
  buckets: (
    <>
      <path d="M3 5.5c0-1.1 3.1-2 7-2s7 .9 7 2-3.1 2-7 2-7-.9-7-2Z" />
      <path d="m3 5.5 1.4 9.3c.2 1 2.7 1.9 5.6 1.9s5.400-.9 5.600-1.900L17 5.500" />
    </>
  ),
  drives: (
    <>
      <rect x="2.500" y="3.500" width="15" height="5.500" rx="1.200" />
      <rect x="2.500" y="11" width="15" height="5.500" rx="1.200" />
      <path d="M5.500 6.250h.01M5.500 13.750h.01" />
    </>
  ),
  repair: <path d="M11 3 4 9.500l3 1.500-1.500 6L16 10l-4-1.500L14 4Z" />,
  plans: <path d="M3 5h6M3 10h9M3 15h5m5-2 3 2.500-3 2.500m3-2.500h-5" />,
  folder: <path d="M2.500 5.500v9.500h15V7H9.500L8 5Z" />,
  object: <path d="M5 2.500h6.500L15.500 6v11.500H5ZM11.500 2.500V6h4" />,
  upload: <path d="M10 13.500V4m0 0L6.500 7.500M10 4l3.500 3.500M3 16.500h14" />,
  theme: (
    <>
      <circle cx="10" cy="10" r="6.500" />
      <path d="M10 3.500a6.500 6.500 0 0 0 0 13Z" fill="currentColor" />
    </>
  ),
  leave: <path d="M8 3.500H4v13h4M12.500 6.500 16 10l-3.500 3.500M16 10H8" />,
  copy: (
    <>
      <rect x="7" y="7" width="9.500" height="9.500" rx="1.200" />
      <path d="M13 7V3.500H3.500V13H7" />
    </>
  ),
} as const;

export type Drawing = keyof typeof drawings;

export function Drawn({ name }: { readonly name: Drawing }) {
  return <Icon>{drawings[name]}</Icon>;
}
