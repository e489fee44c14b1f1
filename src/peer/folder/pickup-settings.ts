import {
  choice,
  duration,
  flag,
  group,
  integer,
  list,
  optional,
  type path,
  size,
  text,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { filePattern } from './file-pattern.ts';

type Place = typeof path;

function which(folder: Place) {
  return {
    folder: folder({ help: 'The folder to pick up files from.', example: '/out/lab' }),
    pattern: list(filePattern, {
      help: 'Which files are taken, by name. Several patterns may be given; case matters.',
      default: ['*'],
      example: '*.hl7',
    }),
    ignore: list(filePattern, {
      help: 'Which files are never taken, even if they match: names that senders use while writing.',
      default: ['.*', '*.part', '*.filepart', '*.partial', '*.tmp', '*.temp', '*~'],
      advanced: true,
    }),
    subfolders: integer({
      help: 'How many levels of subfolders are included.',
      default: 0,
      minimum: 0,
      maximum: 16,
    }),
  };
}

const ORDERS = {
  oldest: 'by time of last change, the oldest first',
  newest: 'by time of last change, the newest first',
  name: 'by path, character by character',
};

/** In which order waiting files are taken. */
export type FileOrder = keyof typeof ORDERS;

function when() {
  return {
    order: choice(ORDERS, {
      help: 'In which order waiting files are taken.',
      default: 'oldest',
    }),
    every: duration({
      help: 'How long after one look the next one begins; sooner, after stable, where a file has to be seen again.',
      default: '5s',
    }),
    stable: duration({
      help: 'How long size and time of a file must have been unchanged before it is taken, by our own clock. 0s takes it at first sight: right if senders rename finished files, or set a marker.',
      default: '5s',
    }),
    marker: optional(
      text({
        help: 'A file is taken only once a file of the same name with this ending is next to it: for .done that is lab.hl7.done or lab.done. The marker is removed with the file.',
        example: '.done',
      }),
    ),
  };
}

function afterwards(folder: Place) {
  return {
    archive: optional(
      folder({
        help: 'Folder to which a taken file is moved. Without it the file is deleted once its message is stored.',
        example: '/out/lab/taken',
      }),
    ),
    keep: flag({
      help: 'Leaves taken files where they are and remembers them, for folders that may only be read. Remembers up to 50,000 files.',
      default: false,
    }),
    failed: optional(
      folder({
        help: 'Folder for files that can never be taken (too large, or permanently refused by the engine). Without it such a file stays and is reported once.',
        example: '/out/lab/failed',
      }),
    ),
  };
}

function content() {
  return {
    limit: size({ help: 'Larger files are not taken.', default: '1GB', advanced: true }),
    empty: flag({
      help: 'Also takes empty files. If left out, they are reported and stay.',
      default: false,
      advanced: true,
    }),
    batch: choice(
      {
        split: 'Each HL7 message of the file is delivered separately, in order',
        whole: 'The file is delivered as one message',
      },
      {
        help: 'What happens to a file with several HL7 messages, with or without FHS and BHS around them. In a large one, each message may have up to 32 MB.',
        default: 'split',
      },
    ),
    cut: optional(
      group(
        {
          every: integer({
            help: 'How many records (lines, rows) a message has.',
            minimum: 1,
            maximum: 100_000,
            example: '1000',
          }),
          header: integer({
            help: 'How many records at the beginning of the file each message begins with, such as the names of the columns.',
            default: 0,
            minimum: 0,
            maximum: 100,
          }),
          quotes: flag({
            help: 'Whether a line end inside quotes belongs to a value, as in CSV.',
            default: true,
          }),
        },
        {
          help: 'Cuts files of lines, delimited or fixed-width records into messages while they are read, so that they may be of any size. Without it a file is one message, of which rules and transforms read up to 32 MB.',
        },
      ),
    ),
    type: optional(
      text({
        help: 'The type of the messages, such as text/csv. If left out, it is determined from the content and the name of each file.',
        example: 'text/csv',
      }),
    ),
    charset: optional(
      text({
        help: 'The text encoding of the files, if they do not declare it themselves.',
        example: 'ISO-8859-1',
        advanced: true,
      }),
    ),
  };
}

function declared(folder: Place) {
  return { ...which(folder), ...when(), ...afterwards(folder), ...content() };
}

/** For stores that tell links apart; an FTP server follows them or not, as it is set up, and an object store has none. */
export const linkSettings = {
  followLinks: flag({
    help: 'Also takes what links point to. Anyone who may write into the folder can then have any file delivered that the account may read. A link back to a folder above it is not followed.',
    default: false,
    advanced: true,
  }),
};

/** The declaration, by setting name. */
export type PickupSettings = ReturnType<typeof declared>;

/** Their values, as `open` gets them. */
export type PickupValues = ValuesOf<PickupSettings>;

/**
 * The settings of every adapter that picks up files, under the same names; an adapter adds those
 * for reaching the store. `folder` is `setting.path` for this machine's disk, `setting.text` for a
 * peer's.
 */
export const pickupSettings: (folder: Place) => PickupSettings = declared;
