import {
  DisableError,
  type Message,
  outbound,
  RejectedError,
  SuspendError,
  setting,
} from 'waybill/adapter';
import {
  checkFileName,
  connectFirst,
  contentTypeOf,
  dropSettings,
  dropSteps,
  FileError,
  hasSameBytes,
  inFlight,
  inFolder,
  isFileProblem,
  numbered,
} from 'waybill/peer';
import { S3Line } from './s3-line.ts';
import { s3Faults, s3Settings } from './s3-settings.ts';
import type { S3Store, Writing } from './s3-store.ts';
import { tryS3 } from './s3-test.ts';

const { temporary: _, makeFolder: __, ...dropped } = dropSettings('peer');

const settings = {
  ...s3Settings,
  ...dropped,
  encryption: setting.choice(
    {
      bucket: 'what the bucket prescribes',
      AES256: 'by the server with a key of its own (SSE-S3)',
      'aws:kms': 'by the server with a key of the key service (SSE-KMS)',
    },
    { help: 'How the server encrypts the object.', default: 'bucket', advanced: true },
  ),
  kmsKey: setting.optional(
    setting.text({
      help: 'The key of the key service for encryption: aws:kms; if left out, the bucket’s.',
      advanced: true,
    }),
  ),
  contentType: setting.optional(
    setting.text({
      help: 'The content type of the object. If left out, that of the message.',
      example: 'application/hl7-v2',
      advanced: true,
    }),
  ),
};

type S3OutValues = setting.ValuesOf<typeof settings>;

/** How many numbers are tried before a person is asked. */
const MOST_NUMBERS = 1_000;
/** How long a message that was given up has to clean up after itself when the adapter closes. */
const GRACE = 1_000;

export default outbound({
  type: 's3-out',
  title: 'Objects to an S3 bucket',
  summary: 'Writes each message as an object into a bucket, large ones in parts.',
  settings,
  check: (values) => Promise.resolve(s3Faults(values)),
  async open(lent) {
    const line = new S3Line(lent);
    const sending = inFlight();
    await connectFirst(line, lent);
    return {
      async send(message, signal) {
        await sending.until(signal, () =>
          line.use((store) => put(store, lent.settings, message, signal)),
        );
        return undefined;
      },
      async close() {
        await sending.ended(GRACE);
        await line.close();
      },
    };
  },
  test: (lent, step) =>
    tryS3(lent, step, (store, told) =>
      dropSteps(store, told, { ...lent.settings, temporary: '.*.part' }),
    ),
});

/** Puts a message into the bucket. No temporary name is needed: an object appears whole, or not at all. */
async function put(
  store: S3Store,
  values: S3OutValues,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  const folder = await values.folder.render(message);
  const name = await values.name.render(message);
  checkFileName(name);
  const writing: Writing = {
    contentType: values.contentType ?? contentTypeOf(message.type, undefined),
    fresh: values.exists !== 'replace',
    encryption: values.encryption === 'bucket' ? undefined : values.encryption,
    kmsKey: values.kmsKey,
  };
  const most = values.exists === 'number' ? MOST_NUMBERS : 1;
  try {
    for (let number = 0; number < most; number++) {
      const path = inFolder(folder, numbered(name, number));
      if (await isPut(store, path, { message, writing, numbering: most > 1, signal })) return;
    }
  } catch (error) {
    throw asRefused(error, values.denied);
  }
  throw new SuspendError(
    'An object of this name with other content is already in the bucket. Remove it, or set exists to replace or number, and resend.',
  );
}

/** Messages whose last try got no answer: their object may be there. */
const unsure = new WeakSet<Message>();

/**
 * Whether the message has that name now. An answer that was lost leaves the object there: then it is ours. Two messages may have
 * the same bytes, so where names are numbered only a try with an unknown outcome is looked for.
 */
async function isPut(
  store: S3Store,
  path: string,
  {
    message,
    writing,
    numbering,
    signal,
  }: {
    readonly message: Message;
    readonly writing: Writing;
    readonly numbering: boolean;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  const isOurs = async (): Promise<boolean> =>
    (!numbering || message.possibleDuplicate === true || unsure.has(message)) &&
    (await hasSameBytes(store, path, message.body));
  // not every server knows the condition under which it is written
  if (writing.fresh === true && (await store.facts(path)) !== undefined) return await isOurs();
  try {
    await store.put(path, message.body.stream(), writing, signal);
    return true;
  } catch (error) {
    if (isFileProblem(error, 'exists')) return await isOurs();
    if (!(error instanceof FileError)) unsure.add(message);
    throw error;
  }
}

/** A denied path is the same for every message: the production says what that means. */
function asRefused(error: unknown, denied: S3OutValues['denied']): unknown {
  if (denied === 'retry' || !(error instanceof FileError)) return error;
  if (!isFileProblem(error, 'denied', 'missing')) return error;
  const Refused = { suspend: SuspendError, reject: RejectedError, stop: DisableError }[denied];
  return new Refused(error.message, { cause: error });
}
