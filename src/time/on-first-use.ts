import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * A package that most productions never need, read when it is first used: a module takes four times its text of the
 * memory of each thread that has loaded it. For what needs it at once; where it may be waited for, `import()` does.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the package of this name is, nobody else can say
export function onFirstUse<Module>(name: string): () => Module {
  let loaded: Module | undefined;
  return () => (loaded ??= require(name) as Module);
}
