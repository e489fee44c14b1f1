import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The texts by which the two versions differ. */
export const OLD_TEXT = 'Waybill does not answer';
export const NEW_TEXT = 'Waybill still does not answer';

/** Copies a built console as its next version: other names of scripts, and one text changed. */
export async function nextConsole(built: string, folder: string): Promise<void> {
  await cp(built, folder, { recursive: true });
  const assets = join(folder, 'assets');
  const names = await readdir(assets);
  const scripts = names.filter((name) => name.endsWith('.js'));
  // as long as the hash, so that nothing else is touched; two parts may have the same name before it
  const renamed = scripts.map((name, n) => {
    const hash = `NEXT${String(n).padStart(4, '0')}`;
    return [name, name.replace(/.{8}\.js$/, `${hash}.js`)] as const;
  });
  const changed = async (file: string): Promise<void> => {
    let text = await readFile(file, 'utf8');
    for (const [before, after] of renamed) text = text.replaceAll(before, after);
    text = text.replaceAll(OLD_TEXT, NEW_TEXT).replace(/"version":"[^"]*"/, '"version":"next"');
    await writeFile(file, text);
  };
  for (const name of names) {
    const file = join(assets, name);
    if (/\.(?:br|gz)$/.test(name)) await rm(file);
    else if (name.endsWith('.js')) await changed(file);
  }
  for (const [before, after] of renamed) await rename(join(assets, before), join(assets, after));
  for (const name of ['index.html', 'service-worker.js']) await changed(join(folder, name));
}
