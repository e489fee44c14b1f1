import { deltaPage } from './graph-delta.ts';
import { ROOT } from './graph-mailbox.ts';
import type { GraphAnswer } from './graph-refusal.ts';
import { type GraphRequest, json, part } from './graph-route.ts';

export function delta(request: GraphRequest): GraphAnswer {
  const { id } = request.mailbox.folder(part(request));
  return { status: 200, json: deltaPage({ ...request, folder: id }) };
}

export function folders({ mailbox, parts, query }: GraphRequest): GraphAnswer {
  const below = mailbox.foldersBelow(parts[0] === undefined ? ROOT : mailbox.folder(parts[0]).id);
  const [, name] = /^displayName eq '(.*)'$/.exec(query.get('$filter') ?? '') ?? [];
  const wanted = name?.replaceAll("''", "'").toLowerCase();
  const found = below.filter(
    (one) => wanted === undefined || one.displayName.toLowerCase() === wanted,
  );
  return { status: 200, json: { value: found } };
}

export function folder(request: GraphRequest): GraphAnswer {
  const found = request.mailbox.folder(part(request));
  const totalItemCount = request.mailbox.messages(found.id).length;
  return { status: 200, json: { ...found, totalItemCount } };
}

export function addFolder(request: GraphRequest): GraphAnswer {
  const { mailbox, parts } = request;
  const parent = parts[0] === undefined ? ROOT : mailbox.folder(parts[0]).id;
  return { status: 201, json: mailbox.addFolder(parent, String(json(request)['displayName'])) };
}
