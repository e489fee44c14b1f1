import { type Content, KILLS, killedAgainAndAgain, type ServiceOrder } from './killed-service.ts';
import { type ManyFiles, manyFiles } from './many-files.ts';
import { remoteFolder } from './remote-folder.ts';

interface Outcome {
  readonly came: ManyFiles;
  readonly delivered: readonly Content[];
  /** The content of each file in the archive, by name. */
  readonly archived: ReadonlyMap<string, string>;
}

/** Lets a service fetch many files from a folder of a server while it is killed again and again. */
export async function killedPickup(
  home: string,
  { settings, ...order }: ServiceOrder,
  seed: number,
): Promise<Outcome> {
  await using folder = await remoteFolder(home);
  await using archive = await remoteFolder(home);
  const came = manyFiles(120, (name, content) => folder.put(name, content));
  const where = { folder: folder.name, archive: archive.name, order: 'name' };
  const delivered = await killedAgainAndAgain(
    { ...order, settings: { ...settings, ...where, every: '5ms', stable: '0s' } },
    { ...came, seed, kills: KILLS, left: () => folder.names() },
  );
  const archived = new Map<string, string>();
  for (const name of await archive.names()) {
    archived.set(name, (await archive.read(name)).toString());
  }
  return { came, delivered, archived };
}
