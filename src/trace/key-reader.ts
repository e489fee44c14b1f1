import type { Bodies } from '../broker/bodies.ts';
import { kindOf } from '../document/document-of.ts';
import { hasSegments } from '../document/segment-paths.ts';
import { isTold, tolerate } from '../error/foreseen.ts';
import { searchFields } from './search-fields.ts';
import type { KeyReader } from './trace-store.ts';
import type { StoredBody } from './traced-message.ts';

/** A large body without segments is read completely for its search fields up to this many bytes. */
const LARGEST = 8 * 1024 * 1024;

/**
 * Reads the production's search fields (name → path) from a body, wherever it is stored: for the
 * projector, for re-indexing, and for viewers, for whom the body may be changed by `shown`.
 */
export function keyReader(
  search: ReadonlyMap<string, string>,
  large: Promise<Pick<Bodies, 'open'>>,
  shown: (bytes: Uint8Array, body: StoredBody) => Uint8Array = (bytes) => bytes,
): KeyReader {
  const fields = searchFields(search);
  return async (body) => {
    const bytes = body.bytes ?? (await beginning(body, large));
    return bytes === undefined ? [] : fields(shown(bytes, body), body);
  };
}

/** What is needed of a large body: the first segments or attributes, in which the patient or the sender stands; else all of it. */
async function beginning(
  { type, size, ref }: StoredBody,
  large: Promise<Pick<Bodies, 'open'>>,
): Promise<Uint8Array | undefined> {
  const kind = kindOf(type);
  // of these the beginning can be read alone
  const isReadFromFront = hasSegments(kind) || kind === 'dicom';
  if (ref === undefined || (!isReadFromFront && size > LARGEST)) return undefined;
  try {
    const body = (await large).open(ref, size);
    if (!isReadFromFront) return await body.bytes();
    if (await isWholeBatch(body, kind)) return await body.bytes();
    for await (const chunk of body.stream()) {
      // X12, EDIFACT and DICOM are read as far as they go
      return kind === 'hl7' || kind === 'astm' ? wholeSegments(Buffer.from(chunk)) : chunk;
    }
  } catch (error) {
    // its search fields are not a reason to stop the trace
    tolerate(error, isTold, 'reading the search fields of a large body');
  }
  return undefined;
}

/** Whether it holds several messages, each with its patient, and is not too large to be read. */
async function isWholeBatch(
  body: ReturnType<Bodies['open']>,
  kind: ReturnType<typeof kindOf>,
): Promise<boolean> {
  if (kind !== 'hl7' || body.size > LARGEST) return false;
  for await (const chunk of body.stream())
    return /^[FB]HS/.test(Buffer.from(chunk.subarray(0, 3)).toString('latin1'));
  return false;
}

/** Without the truncated segment. Senders end segments with CR, Unix files with LF. */
function wholeSegments(chunk: Buffer): Uint8Array {
  return chunk.subarray(0, Math.max(chunk.lastIndexOf('\r'), chunk.lastIndexOf('\n')) + 1);
}
