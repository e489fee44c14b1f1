import { choice, flag, template, text, type ValuesOf } from '../../adapter/setting.ts';
import { type FolderPlace, folderTemplate } from './folder-template.ts';

const EXISTING = {
  suspend: 'keeps the message for a person, unless the file holds the same bytes already',
  replace: 'puts the new file in its place, in one step where the peer can',
  number: 'adds -1, -2 and so on to the name',
};

const REFUSALS = {
  retry: "tries again by the operation's policy; the queue waits",
  suspend: 'keeps the message for a person; the queue goes on',
  reject: 'fails the message; the queue goes on',
  stop: 'stops the operation with the message at the head of its queue',
};

/** What is done when the peer forbids it, or the folder is not there. */
export type WhenRefused = keyof typeof REFUSALS;

function declared(place: FolderPlace) {
  return {
    folder: folderTemplate(place, {
      help: 'The folder into which files are put. Expressions in braces may stand between slashes; a value cannot lead out of its place.',
      example: '/in/{source}',
    }),
    name: template({
      help: 'The name of each file, with expressions in braces. It must come out different for different messages, or exists decides.',
      example: '{type}_{id}.hl7',
    }),
    exists: choice(EXISTING, {
      help: 'What to do where a file of that name is there.',
      default: 'suspend',
    }),
    temporary: text({
      help: 'The name under which a file is written before it gets its own, so that nobody reads half of it; * stands for the own name with the message id. May begin with a folder of the same disk.',
      default: '.*.part',
      advanced: true,
    }),
    makeFolder: flag({
      help: 'Makes the folder if it is not there; needed where folder has expressions.',
      default: false,
      advanced: true,
    }),
    denied: choice(REFUSALS, {
      help: 'What to do when the peer forbids it or the folder is not there. A full disk or a lost connection is always tried again.',
      default: 'retry',
    }),
  };
}

/** The declaration by the names of its settings. */
export type DropSettings = ReturnType<typeof declared>;

/** What `open` sees of them. */
export type DropValues = ValuesOf<DropSettings>;

/**
 * The settings of every adapter that puts files into a folder, under the same names; an adapter adds
 * how to reach the store.
 */
export const dropSettings: (place: FolderPlace) => DropSettings = declared;
