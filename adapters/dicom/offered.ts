import { EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN } from './uids.ts';

/** A class of objects in one encoding. */
export interface Offered {
  readonly classUid: string;
  readonly transferSyntax: string;
}

/** Of a class in one encoding. */
export const keyOf = ({ classUid, transferSyntax }: Offered): string =>
  `${classUid} ${transferSyntax}`;

/** Every application reads both; the first names the type of each value. */
const FIND_ENCODINGS = [EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN];
/** What an association asks for so that `find` has a context. */
export const findOffers = (classUid: string): Offered[] =>
  FIND_ENCODINGS.map((transferSyntax) => ({ classUid, transferSyntax }));
