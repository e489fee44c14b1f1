import { buffered } from '../charset.ts';
import { headerStart } from './header.ts';

const LF = 10;
const CR = 13;
const HEAD = 64 * 1024;

/**
 * Makes segments end with CR, as a receiver of HL7 expects: in files and in what people write they
 * often end with LF or CRLF. `head` begins the body; the function is given all of it, in parts.
 * Undefined where nothing is to be changed: the first segment ends with CR, or it is no HL7.
 */
export function endingWithCr(head: Uint8Array): ((part: Buffer) => Buffer) | undefined {
  const text = buffered(head);
  const start = headerStart(text.toString('latin1', 0, 512));
  if (start < 0) return undefined;
  const first = text.subarray(0, HEAD);
  const lf = first.indexOf(LF, start);
  const cr = first.indexOf(CR, start);
  if (lf < 0 || (cr >= 0 && cr < lf - 1)) return undefined;
  return cr === lf - 1 ? withoutLf() : withCr;
}

function withCr(part: Buffer): Buffer {
  const changed = Buffer.from(part);
  for (let at = changed.indexOf(LF); at >= 0; at = changed.indexOf(LF, at + 1)) changed[at] = CR;
  return changed;
}

/** Leaves out each LF after a CR, also where a part begins with it. */
function withoutLf(): (part: Buffer) => Buffer {
  let last: number | undefined;
  return (part) => {
    const changed = Buffer.alloc(part.length);
    let length = 0;
    for (const byte of part) {
      if (byte !== LF || last !== CR) changed[length++] = byte;
      last = byte;
    }
    return changed.subarray(0, length);
  };
}
