import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inbound, outbound, setting } from '../../src/adapter/index.ts';
import type { Definition } from '../../src/definition/definition.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import {
  type ReadOptions,
  type ReadProduction,
  readProduction,
} from '../../src/definition/read.ts';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';

/** An inbound adapter with a setting of most kinds, which never opens anything. */
export const sampleIn = inbound({
  type: 'sample-in',
  title: 'Sample',
  summary: 'Takes nothing in.',
  settings: {
    listen: setting.optional(setting.address({ help: 'Where to listen.' })),
    limit: setting.integer({ help: 'How many.', default: 5, minimum: 1, maximum: 10 }),
    fast: setting.flag({ help: 'Whether it is fast.', default: false }),
    tls: setting.group(
      {
        certificate: setting.credential({ help: 'Its certificate.', kinds: ['certificate'] }),
        trust: setting.optional(setting.path({ help: 'Its authorities.' })),
      },
      { help: 'Encryption.' },
    ),
    errors: setting.optional(setting.target({ help: 'Where what cannot be read goes.' })),
  },
  open: () => Promise.resolve({ close: () => Promise.resolve() }),
});

/** An outbound adapter with a setting of the other kinds, which never opens anything. */
export const sampleOut = outbound({
  type: 'sample-out',
  title: 'Sample',
  summary: 'Sends nothing out.',
  settings: {
    connect: setting.address({ help: 'Where to connect.' }),
    credential: setting.optional(setting.credential({ help: 'The account.', kinds: ['basic'] })),
    name: setting.template({ help: 'The name of the file.', default: '{type}.hl7' }),
    user: setting.optional(setting.text({ help: 'A name.' })),
  },
  retry: { for: Number.POSITIVE_INFINITY },
  open: () =>
    Promise.resolve({ close: () => Promise.resolve(), send: () => Promise.resolve(undefined) }),
});

export interface ProductionFolder extends TemporaryFolder {
  /** Reads the production from its current files. */
  read(options?: Partial<ReadOptions>): Promise<ReadProduction>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

/** A production in its own folder, by file name. */
export async function productionFolder(
  files: Readonly<Record<string, string>>,
): Promise<ProductionFolder> {
  const folder = await temporaryFolder('production');
  const write = async (more: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(more)) {
      await mkdir(dirname(join(folder.path, name)), { recursive: true });
      await writeFile(join(folder.path, name), text);
    }
  };
  await write(files);
  return {
    ...folder,
    write,
    read: (options) =>
      readProduction(folder.path, {
        adapters: [sampleIn, sampleOut],
        environment: {},
        ...options,
      }),
  };
}

/** The problems of a production in one file, as shown in a terminal. */
export async function problemsOf(
  text: string,
  options: Partial<ReadOptions> & { readonly files?: Readonly<Record<string, string>> } = {},
): Promise<string[]> {
  const { files, ...rest } = options;
  await using folder = await productionFolder({ 'production.yaml': text, ...files });
  const { problems } = await folder.read(rest);
  return problems.map(describeProblem);
}

/** The definition of a production in one file without errors. */
export async function definitionOf(
  text: string,
  options: Partial<ReadOptions> & { readonly files?: Readonly<Record<string, string>> } = {},
): Promise<Definition> {
  const { files, ...rest } = options;
  await using folder = await productionFolder({ 'production.yaml': text, ...files });
  const { definition, problems } = await folder.read(rest);
  if (definition === undefined) throw new Error(problems.map(describeProblem).join('\n'));
  return definition;
}
