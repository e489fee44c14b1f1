import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { describeError, EngineError } from '../error/engine-error.ts';

/** The environment variable for an option whose address may contain a password. */
const VARIABLES = { nats: 'WAYBILL_NATS', trace: 'WAYBILL_TRACE' } as const;
type Which = keyof typeof VARIABLES;

/** `--nats` or `--trace`: from the command line, or from the environment, where `ps` does not show it. */
export function urlOption(which: Which, description: string): Option {
  return new Option(`--${which} <url>`, description).env(VARIABLES[which]);
}

const REFERENCE = /\$\{(env|file):([^{}]+)\}/g;

/**
 * An address with `${env:NAME}` and `${file:PATH}` in it filled in. Before the `@` they are a name
 * or a password, which may have any character. Throws CONFIG_INVALID for a missing one, and for an
 * invalid address, without repeating it.
 */
export function filledUrl(which: Which, text: string): string {
  const filled = text.replace(REFERENCE, (_, kind: string, name: string, at: number) => {
    const value = kind === 'env' ? ofEnvironment(which, name) : ofFile(which, name);
    const rest = text.slice(at).replace(REFERENCE, '');
    return /^[^/,]*@/.test(rest) ? encodeURIComponent(value) : value;
  });
  for (const one of filled.split(',')) {
    if (!URL.canParse(one)) {
      const example = which === 'nats' ? 'nats://host:4222' : 'postgres://user@host/database';
      throw new EngineError(
        'CONFIG_INVALID',
        `--${which} (or ${VARIABLES[which]}) is not an address such as ${example}; in a name or password, write characters such as @ and / as %40 and %2F`,
      );
    }
  }
  return filled;
}

function ofEnvironment(which: Which, name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new EngineError(
    'CREDENTIAL_MISSING',
    `--${which} (or ${VARIABLES[which]}) names the environment variable ${name}, which is not set. Set it, or correct its name.`,
  );
}

function ofFile(which: Which, path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new EngineError(
      'CREDENTIAL_MISSING',
      `--${which} (or ${VARIABLES[which]}) names the file ${path}, which cannot be read (${code ?? describeError(error).text}). Correct its path or its permissions.`,
    );
  }
}

/** The words of a command line in which every account of this machine can read a password. */
export function shownPasswords(words: readonly string[]): readonly string[] {
  const shown = words.flatMap((word, index): readonly Which[] => {
    const [, which, url] = /^--(nats|trace)(?:=(.*))?$/.exec(word) ?? [];
    if (which !== 'nats' && which !== 'trace') return [];
    const given = url ?? words[index + 1] ?? '';
    return /:\/\/[^/@]*:[^/@]+@/.test(given.replace(REFERENCE, '')) ? [which] : [];
  });
  return [...new Set(shown)].map(
    (which) =>
      `The password in --${which} is visible to every account of this machine (ps). Set ${VARIABLES[which]} instead, or write '\${file:PATH}' or '\${env:NAME}' in its place.`,
  );
}
