import type { Lent, OpenOutbound } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { SuspendError } from '../../error/adapter-error.ts';
import type { Message } from '../../message/message.ts';
import { asRefused } from '../folder/drop.ts';
import { puttingService } from '../folder/drop-service.ts';
import { checkFileName, numbered } from '../folder/file-name.ts';
import { FileError, inFolder, isFileProblem } from '../folder/file-store.ts';
import { hasSameBytes } from '../folder/same-bytes.ts';
import { contentTypeOf } from '../http/media-type.ts';
import type { ObjectLine } from './object-line.ts';
import type { ObjectDropValues } from './object-settings.ts';
import type { ObjectStore, ObjectWriting } from './object-store.ts';

/** How many numbers are tried before a person is asked. */
const MOST_NUMBERS = 1_000;

export type ObjectDropLent = Pick<Lent<Settings>, 'connection' | 'event'> & {
  readonly settings: ObjectDropValues;
};

/**
 * An open adapter that writes each message as an object, with what `own` adds to how it is written. `place` is what holds
 * objects, for people: `bucket`.
 */
export function objectDropService<Own extends object>(
  line: ObjectLine<ObjectStore<ObjectWriting & Own>>,
  lent: ObjectDropLent,
  { own, place }: { readonly own: Own; readonly place: string },
): Promise<OpenOutbound> {
  const { settings } = lent;
  return puttingService(line, lent, async (store, message, signal) => {
    const writing = {
      ...own,
      contentType: settings.contentType ?? contentTypeOf(message.type, undefined),
      fresh: settings.exists !== 'replace',
    };
    if (await isStored(store, settings, { message, writing, signal })) return;
    throw new SuspendError(
      `An object of this name with other content is already in the ${place}. Remove it, or set exists to replace or number, and resend.`,
    );
  });
}

interface Putting<Writing extends ObjectWriting> {
  readonly message: Message;
  readonly writing: Writing;
  readonly signal: AbortSignal;
}

/** False if each name it may have is another object's. */
async function isStored<Writing extends ObjectWriting>(
  store: ObjectStore<Writing>,
  values: ObjectDropValues,
  putting: Putting<Writing>,
): Promise<boolean> {
  const folder = await values.folder.render(putting.message);
  const name = await values.name.render(putting.message);
  checkFileName(name);
  const most = values.exists === 'number' ? MOST_NUMBERS : 1;
  try {
    for (let number = 0; number < most; number++) {
      const path = inFolder(folder, numbered(name, number));
      if (await isPut(store, path, { ...putting, numbering: most > 1 })) return true;
    }
    return false;
  } catch (error) {
    throw asRefused(error, values.denied);
  }
}

/** Messages whose last try got no answer: their object may be there. */
const unsure = new WeakSet<Message>();

/**
 * Whether the message has that name now. An answer that was lost leaves the object there: then it is ours. Two messages may have
 * the same bytes, so where names are numbered only a try with an unknown outcome is looked for.
 */
async function isPut<Writing extends ObjectWriting>(
  store: ObjectStore<Writing>,
  path: string,
  { message, writing, numbering, signal }: Putting<Writing> & { readonly numbering: boolean },
): Promise<boolean> {
  const isOurs = async (): Promise<boolean> =>
    (!numbering || message.possibleDuplicate === true || unsure.has(message)) &&
    (await hasSameBytes(store, path, message.body));
  const mayOverwrite = writing.fresh === true && !store.keepsFresh;
  if (mayOverwrite && (await store.facts(path)) !== undefined) return await isOurs();
  try {
    await store.put(path, message.body.stream(), writing, signal);
    return true;
  } catch (error) {
    if (isFileProblem(error, 'exists')) return await isOurs();
    if (!(error instanceof FileError)) unsure.add(message);
    throw error;
  }
}
