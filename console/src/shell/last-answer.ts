import { ROOT } from '../api/client.ts';

const KEY = `waybill.answered ${ROOT.pathname}`;

/** Remembers on this machine when the server answered; nothing else of it is kept. */
export function rememberAnswer(at: number): void {
  try {
    localStorage.setItem(KEY, `${at}`);
  } catch {
    // storage may be forbidden or full: then it is not known
  }
}

/** Milliseconds since 1970; undefined if it is not known. */
export function lastAnswer(): number | undefined {
  try {
    const at = Number(localStorage.getItem(KEY));
    return at > 0 && at <= Date.now() ? at : undefined;
  } catch {
    // storage may be forbidden
    return undefined;
  }
}
