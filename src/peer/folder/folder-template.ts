import {
  type About,
  bad,
  type ReadContext,
  type Setting,
  type Template,
} from '../../adapter/setting.ts';
import { SuspendError } from '../../error/adapter-error.ts';
import type { Message } from '../../message/message.ts';

/** A folder that may differ for each message. */
export interface FolderTemplate {
  /** The folder of every message; or the common parent of all of them, up to the first expression. */
  readonly top: string;
  readonly isFixed: boolean;
  /** Throws a SuspendError if a value would lead to another folder than it should. */
  render(message: Message): Promise<string>;
}

/** Whose folders they are: relative ones on this machine's disk start at the production's folder. */
export type FolderPlace = 'disk' | 'peer';

/** Reads a folder with expressions in braces. A value fills one level between two slashes and can lead nowhere else. */
export function folderTemplate(
  place: FolderPlace,
  about: About<string>,
): Setting<FolderTemplate, string> {
  return {
    kind: 'template',
    ...about,
    read: (given, context) => {
      if (typeof given !== 'string') return bad('must be text');
      const written = given.replace(/(?<=.)\/$/, '');
      const source = place === 'disk' ? onDisk(written, context) : written;
      const read = context.template(source, inItsPlace);
      return read.ok ? { ok: true, value: folderOf(source, read.value) } : read;
    },
  };
}

/**
 * Only the literal folders are made absolute: an expression may contain slashes and dots. A last
 * part that an expression completes (`out/ward-{…}`) stays as it is.
 */
function onDisk(given: string, context: ReadContext): string {
  const at = given.indexOf('{');
  if (at < 0) return context.path(given);
  const slash = given.lastIndexOf('/', at);
  const top = context.path(slash < 0 ? '.' : given.slice(0, slash + 1));
  return `${top === '/' ? '' : top}/${given.slice(slash + 1)}`;
}

function folderOf(source: string, template: Template): FolderTemplate {
  const isFixed = !/[{}]/.test(source);
  const literal = source.split('{', 1)[0] ?? '';
  const top = isFixed ? source : literal.slice(0, Math.max(literal.lastIndexOf('/'), 0));
  return {
    top: top === '' && literal.startsWith('/') ? '/' : top,
    isFixed,
    render: isFixed ? () => Promise.resolve(source) : (message) => filled(template, message),
  };
}

async function filled(template: Template, message: Message): Promise<string> {
  const folder = await template.render(message);
  const parts = folder.replace(/^\//, '').split('/');
  if (parts.some((part) => /^\s*$|^\.{1,2}$/.test(part))) throw misled();
  return folder;
}

/** It was made from a message, so the sender could have chosen it. It is not quoted: it may be patient data. */
function inItsPlace(value: string): string {
  if (/[/\\\p{Cc}]/u.test(value)) throw misled();
  return value;
}

function misled(): SuspendError {
  return new SuspendError(
    'The folder made for this message has an empty part or would lead to another folder. Correct the setting folder, or the message, and resend.',
  );
}
