import { text } from 'node:stream/consumers';
import { EngineError } from '../error/engine-error.ts';

/**
 * Reads a secret from standard input: the piped text, without one line break at its end, or what
 * a person types, twice and without echo. Never from the command line, which every user of the
 * machine can see.
 */
export async function readSecret(what: string): Promise<string> {
  const { stdin } = process;
  const value = stdin.isTTY ? await askTwice(what) : (await text(stdin)).replace(/\r?\n$/, '');
  if (value !== '') return value;
  throw new EngineError(
    'CREDENTIAL_MISSING',
    `Nothing was given for ${what}. Type it, or give the same command a file to read: < file.`,
  );
}

/** The same of what is one line: with a second, such as the password once more, it would be another that nobody can type. */
export async function readLine(what: string): Promise<string> {
  const value = await readSecret(what);
  if (!/[\r\n]/.test(value)) return value;
  throw new EngineError(
    'CREDENTIAL_REFUSED',
    `Several lines were given for ${what}, which is one line. Give that one alone, and once.`,
  );
}

async function askTwice(what: string): Promise<string> {
  const { stdin } = process;
  // From before the first prompt until the last answer: text typed in between must not be shown
  // either.
  stdin.setEncoding('utf8').setRawMode(true);
  try {
    const first = await ask(`${what}: `);
    if (first === '' || first === (await ask('once more: '))) return first;
  } finally {
    stdin.setRawMode(false);
  }
  throw new EngineError('CREDENTIAL_REFUSED', 'The two inputs differ. Nothing was changed.');
}

/** Reads a line key by key, since a terminal in its normal mode shows the text. */
function ask(question: string): Promise<string> {
  const { stdin, stderr } = process;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = '';
  const end = (): void => {
    stdin.off('data', take).pause();
    stderr.write('\n');
  };
  const takeKey = (key: string): boolean => {
    if (key === '\r' || key === '\n' || key === '\u0004') {
      end();
      resolve(typed);
    } else if (key === '\u0003') {
      end();
      reject(new EngineError('CREDENTIAL_MISSING', 'Interrupted. Nothing was changed.'));
    } else if (key === '\u007f' || key === '\b') {
      typed = Array.from(typed).slice(0, -1).join('');
      return true;
    } else {
      typed += key;
      return true;
    }
    return false;
  };
  // Pasted text arrives as one chunk; what follows its line end is for the next prompt.
  const take = (chunk: string): void => {
    const keys = Array.from(chunk);
    const last = keys.findIndex((key) => !takeKey(key));
    if (last !== -1 && last < keys.length - 1) stdin.unshift(keys.slice(last + 1).join(''));
  };
  stderr.write(question);
  stdin.on('data', take).resume();
  return promise;
}
