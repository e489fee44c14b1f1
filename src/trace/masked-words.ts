import { masked } from './masked.ts';
import { withValues } from './peer-words.ts';

/**
 * Masks a peer's own text for people who may not see patient data: what may be about a patient is
 * recognized by its format (see `withValues`); the reason for a refusal stays. A text that is
 * masked already stays as it is: `Xxx` may look like part of a name where `May` did not, and then
 * what is next to it is masked as well.
 */
export function maskedWords(text: string): string {
  let shown = text;
  // ends, because each further turn has masked at least one more letter or digit
  for (;;) {
    const next = withValues(shown, masked);
    if (next === shown) return shown;
    shown = next;
  }
}
