import type { Reading } from '../../document/document.ts';

/** Makes what identifies a patient unreadable in a body, for those who may not see it. Throws FORBIDDEN where it cannot. */
export type BodyMask = (body: Uint8Array, reading: Reading) => Uint8Array;
