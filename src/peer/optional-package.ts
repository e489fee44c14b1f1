import { createRequire } from 'node:module';
import { DisableError } from '../error/adapter-error.ts';

interface Manifest {
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const require = createRequire(import.meta.url);

/** How a package that the engine does not bring is put beside it: `npm install name@1.2.3`. */
const howToInstall = (name: string): string => {
  const { peerDependencies } = require('waybill/package.json') as Manifest;
  return `npm install ${name}@${peerDependencies[name] ?? 'latest'}`;
};

/** Undefined where the package is there, otherwise how to install it. */
export function missingPackage(name: string): string | undefined {
  try {
    require.resolve(name);
    return undefined;
  } catch {
    // it is not there: nothing else makes a name fail to resolve
    return howToInstall(name);
  }
}

/**
 * Loads a package that only some sites need and that is not installed with the engine: an optional peer. Throws a
 * DisableError that says how to install it.
 */
export async function optionalPackage<Module>(
  name: string,
  load: () => Promise<Module>,
): Promise<Module> {
  const install = missingPackage(name);
  if (install === undefined) return await load();
  throw new DisableError(
    `The package ${name} is needed and is not installed with the engine. Install it beside the engine: ${install}. Then start the host again.`,
  );
}
