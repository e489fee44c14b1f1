import { choice, flag, optional, template, text, type ValuesOf } from '../../adapter/setting.ts';
import { type FolderPlace, folderTemplate } from './folder-template.ts';

const EXISTING = {
  suspend: 'keeps the message for a person, unless the file already has the same bytes',
  replace: 'puts the new file in its place, in one step if the peer can do that',
  number: 'adds -1, -2 and so on to the name',
};

const REFUSALS = {
  retry: "retries by the operation's policy; the queue waits",
  suspend: 'keeps the message for a person; the queue goes on',
  reject: 'fails the message; the queue goes on',
  stop: 'stops the operation with the message at the head of its queue',
};

/** What to do when the peer forbids it, or the folder is missing. */
export type WhenRefused = keyof typeof REFUSALS;

function declared(place: FolderPlace) {
  return {
    folder: folderTemplate(place, {
      help: 'The folder for the files. Expressions in braces may be used between slashes; a value cannot lead to another folder level.',
      example: '/in/{source}',
    }),
    name: template({
      help: 'The name of each file, with expressions in braces. It must differ between messages, or exists decides.',
      example: '{type}_{id}.hl7',
    }),
    exists: choice(EXISTING, {
      help: 'What to do if a file of that name exists.',
      default: 'suspend',
    }),
    temporary: text({
      help: 'The name under which a file is written before it gets its final one, so that nobody reads half of it; * means the final name with the message id. May begin with a folder on the same disk.',
      default: '.*.part',
      advanced: true,
    }),
    marker: optional(
      text({
        help: 'Once a file is in its place, an empty file is written beside it that says so: its name with this ending (.done: lab.hl7.done), or with * for the name without its own ending (*.done: lab.done).',
        example: '.done',
      }),
    ),
    makeFolder: flag({
      help: 'Creates the folder if it is missing; needed if folder has expressions.',
      default: false,
      advanced: true,
    }),
    denied: choice(REFUSALS, {
      help: 'What to do when the peer forbids it or the folder is missing. A full disk or a lost connection is always retried.',
      default: 'retry',
    }),
  };
}

/** The declaration, by setting name. */
export type DropSettings = ReturnType<typeof declared>;

/** Their values, as `open` gets them. */
export type DropValues = ValuesOf<DropSettings>;

/**
 * The settings of every adapter that puts files into a folder, under the same names; an adapter
 * adds those for reaching the store.
 */
export const dropSettings: (place: FolderPlace) => DropSettings = declared;
