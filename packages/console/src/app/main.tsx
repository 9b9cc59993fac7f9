import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { applyTheme, readTheme } from "./drivers/browser.ts";
import "./styles/colors.css";
import "./styles/page.css";
import "./styles/parts.css";
import "./styles/pages.css";

applyTheme(readTheme());
const root = document.getElementById("root");
if (root === null) throw new TypeError("the page has no root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
