import type { FilesValues } from '../files/files-settings.ts';
import type { SignInValues } from './sign-in-settings.ts';

const ANCESTORS = /(^|; *)frame-ancestors [^;]*/;

/** Files whose pages may be in the frames in which the app is launched. */
export function framedFiles(
  files: FilesValues,
  signIn: Pick<SignInValues, 'smart'> | undefined,
): FilesValues {
  const by = signIn?.smart?.framedBy ?? [];
  if (by.length === 0) return files;
  const { contentSecurityPolicy: policy } = files;
  const directive = `frame-ancestors ${by.join(' ')}`;
  const contentSecurityPolicy = ANCESTORS.test(policy)
    ? policy.replace(ANCESTORS, (_, before: string) => `${before}${directive}`)
    : `${policy}; ${directive}`;
  return { ...files, contentSecurityPolicy };
}
