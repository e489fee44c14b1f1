import { t } from '../language/translate.ts';

/** What a browser says if no passkey comes of it, in words that say what to do. */
export function browserProblem(error: unknown): never {
  const { name, message } = error instanceof Error ? error : { name: '', message: '' };
  if (name === 'NotAllowedError' || name === 'AbortError')
    throw new Error(t('It was cancelled, or took too long. Try again.'), { cause: error });
  if (name === 'InvalidStateError')
    throw new Error(t('This device has a passkey for this console already.'), { cause: error });
  throw new Error(t('The browser cannot use a passkey here: {why}', { why: message }), {
    cause: error,
  });
}
