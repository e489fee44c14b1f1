import { NotConnectedError } from 'waybill/adapter';
import type { GraphClient } from './graph-client.ts';
import { type Json, textAt } from './graph-json.ts';

/** Names that mean a folder in every language. */
const WELL_KNOWN = new Set([
  'archive',
  'deleteditems',
  'drafts',
  'inbox',
  'junkemail',
  'msgfolderroot',
  'sentitems',
]);

/**
 * The id of a folder, by a well-known name or by a path of names. A missing one is created if
 * `make` says so, otherwise it is a NotConnectedError.
 */
export async function folderId(
  client: GraphClient,
  path: string,
  { signal, make }: { readonly signal: AbortSignal; readonly make: boolean },
): Promise<string> {
  let id: string | undefined;
  for (const name of path.split('/')) {
    const isTop = id === undefined;
    if (isTop && WELL_KNOWN.has(name.toLowerCase())) {
      id = name.toLowerCase();
      continue;
    }
    const below = isTop ? '/mailFolders' : `/mailFolders/${id}/childFolders`;
    const found = await namedFolder(client, { below, name, signal });
    if (found === undefined && !make) throw missing(path);
    const folder: Json =
      found ?? (await client.ask('POST', below, { json: { displayName: name }, signal }));
    id = textAt(folder, 'id');
  }
  return id ?? path;
}

async function namedFolder(
  client: GraphClient,
  {
    below,
    name,
    signal,
  }: { readonly below: string; readonly name: string; readonly signal: AbortSignal },
): Promise<Json | undefined> {
  const filter = encodeURIComponent(`displayName eq '${name.replaceAll("'", "''")}'`);
  const [found] = await client.list(`${below}?$filter=${filter}&$select=id,displayName`, signal);
  return found;
}

function missing(path: string): NotConnectedError {
  return new NotConnectedError(
    `Not connected: the mailbox has no folder ${path}. Correct the name, or create the folder.`,
  );
}
