/** The head of one request as Node's parser gives it: nothing decoded, nothing lost. */
export interface RequestHead {
  /** Upper case, as sent. */
  readonly method: string;
  /** The request target as sent (origin form or absolute form); one char per byte (latin1). */
  readonly target: string;
  /** name, value, name, value, ... as sent; one char per byte (latin1). */
  readonly rawHeaders: readonly string[];
  /** "1.0" or "1.1". */
  readonly httpVersion: string;
  readonly isTls: boolean;
}
