import type { Algorithms } from 'ssh2';
import type { SftpConnectionSettings } from './sftp-settings.ts';

type Choice = string[] | { append: string[]; prepend: string[]; remove: string[] } | undefined;

/** The `algorithms` block as the SSH library wants it; `hostKeys` is used where the block says nothing of host keys. */
export function algorithmsOf(
  block: SftpConnectionSettings['algorithms'],
  hostKeys: string[] | undefined,
): Algorithms {
  const chosen = {
    kex: choiceOf(block?.keyExchange),
    serverHostKey: choiceOf(block?.hostKey) ?? hostKeys,
    cipher: choiceOf(block?.cipher),
    hmac: choiceOf(block?.mac),
  };
  // The names are checked by the library, which says which one it does not know.
  return Object.fromEntries(
    Object.entries(chosen).filter(([, choice]) => choice !== undefined),
  ) as Algorithms;
}

/** As in OpenSSH: `+name` adds to the defaults, `-name` takes away, a plain name replaces them. */
function choiceOf(names: readonly string[] = []): Choice {
  const plain = names.filter((name) => !/^[+-]/.test(name));
  if (plain.length > 0) return plain;
  const starting = (sign: string): string[] =>
    names.filter((name) => name.startsWith(sign)).map((name) => name.slice(1));
  const [append, remove] = [starting('+'), starting('-')];
  return append.length + remove.length === 0 ? undefined : { append, prepend: [], remove };
}
