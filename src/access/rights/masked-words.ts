import { withValues } from '../../trace/peer-words.ts';
import { masked } from './mask/masked.ts';

/**
 * A peer's own words, for people who may not see patients: what may be about a patient is masked, told by the shape of
 * values (see `valuesInWords`); what says why it refused stays.
 */
export const maskedWords = (text: string): string => withValues(text, masked);
