import { setting } from 'waybill/adapter';

const CONTROL_NAMES =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US';

const NAMES: ReadonlyMap<string, number> = new Map([
  ...CONTROL_NAMES.split(' ').map((name, byte): [string, number] => [name, byte]),
  ['SP', 0x20],
  ['DEL', 0x7f],
]);

/** More than any mark or fixed answer needs. */
const MOST = 256;

/** Names, hexadecimal and quoted text, one after the other. */
const TOKENS = /\s*(?:"([^"]*)"|([^\s"]+))/gy;

/**
 * Parses bytes as people write them: names (`STX`, `CR LF`), hexadecimal (`0x02`, `1C0D`), text in quotes
 * (`"OK" CR`). Undefined if it is none of these.
 */
export function wireBytesOf(text: string): Buffer | undefined {
  const parts: Buffer[] = [];
  let end = 0;
  for (const { 0: whole, 1: quoted, 2: word = '', index } of text.trim().matchAll(TOKENS)) {
    const part = quoted === undefined ? wordBytes(word) : Buffer.from(quoted, 'utf8');
    if (part === undefined) return undefined;
    parts.push(part);
    end = index + whole.length;
  }
  const bytes = Buffer.concat(parts);
  return end === text.trim().length && bytes.length <= MOST ? bytes : undefined;
}

function wordBytes(word: string): Buffer | undefined {
  const named = NAMES.get(word.toUpperCase());
  if (named !== undefined) return Buffer.of(named);
  const hex = word.replace(/^0x/i, '');
  return /^([0-9a-f]{2})+$/i.test(hex) ? Buffer.from(hex, 'hex') : undefined;
}

/** A setting whose value is bytes. */
export const wireBytes: setting.Declare<Buffer, string> = (
  about: setting.About<string>,
): setting.Setting<Buffer, string> => ({
  kind: 'text',
  ...about,
  read: (given) => {
    const bytes = typeof given === 'string' ? wireBytesOf(given) : undefined;
    return bytes === undefined
      ? setting.bad(
          `must be bytes: names such as STX or CR LF, hexadecimal such as 0x02 or 1C0D, or text in quotes such as "OK"; ${MOST} at most`,
        )
      : setting.good(bytes);
  },
});
