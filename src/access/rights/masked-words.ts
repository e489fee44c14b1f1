import { withValues } from '../../trace/peer-words.ts';
import { masked } from './mask/masked.ts';

/**
 * Masks a peer's own text for people who may not see patient data: what may be about a patient is
 * recognized by its format (see `valuesInWords`); the reason for a refusal stays.
 */
export const maskedWords = (text: string): string => withValues(text, masked);
