import { EngineError } from '../error/engine-error.ts';
import { packageJson } from './packaged.ts';

/** The optional peers that are the sandbox's; the others are drivers of adapters. */
const PACKAGES = ['oidc-provider', 'smtp-server'];

/**
 * Loads a part of the sandbox. Some parts need packages that the engine does not: a clone has them;
 * users of the package are told which to install.
 */
export async function sandboxModule<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error)) throw error;
    const { peerDependencies } = packageJson();
    const packages = PACKAGES.map((name) => `${name}@${peerDependencies[name] ?? 'latest'}`);
    throw new EngineError(
      'CONFIG_INVALID',
      `the imitated systems need packages that the engine does not: npm install --no-save ${packages.join(' ')}`,
    );
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
