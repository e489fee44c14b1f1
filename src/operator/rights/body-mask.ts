import type { Reading } from '../../document/document.ts';
import { ApiError } from '../api/api-error.ts';

/** Makes what identifies a patient unreadable in a body, for those who may not see it. Throws FORBIDDEN where it cannot. */
export type BodyMask = (body: Uint8Array, reading: Reading) => Uint8Array;

/** Shows nothing at all to those who may not see bodies as they are. */
export const hideBody: BodyMask = () => {
  throw new ApiError(403, 'FORBIDDEN', 'this body can only be shown unmasked');
};
