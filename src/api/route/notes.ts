import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../access/rights/principal.ts';
import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import { isShown } from '../../operator/alert/alert-store.ts';
import { type Noted, noteStore, type Note as StoredNote } from '../../operator/note/note-store.ts';
import { presence } from '../../operator/note/presence.ts';
import { maskedWords } from '../../trace/masked-words.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { Done, IdParameters } from '../../web/schema.ts';
import { audited, checkVisibleHost, visibleMessage } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  NewNote,
  Note,
  NoteQuery,
  Notes,
  NoteText,
  PresenceAnswer,
  PresenceRequest,
} from '../contract/note.ts';
import { ownerOf } from '../owner-of.ts';

const tags = ['notes'];
const NOTES = 100;
/** How many notes are looked at for one answer. */
const SCANNED = 5_000;
const PAGE = 500;

/** What people write for those who come after, and what happened while somebody was away. */
export function noteRoutes(app: Api, context: ApiContext): void {
  noteList(app, context);
  addRoute(app, context);
  changeRoutes(app, context);
  presenceRoute(app, context);
}

function noteList(app: Api, { meta }: ApiContext): void {
  const store = noteStore(meta);

  app.get(
    '/notes',
    {
      schema: {
        tags,
        summary: 'Notes on hosts, alerts and messages, newest first.',
        querystring: NoteQuery,
        response: { 200: Notes },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request) => {
      const principal = principalOf(request);
      const { text = '', limit = NOTES, ...query } = request.query;
      const notes: Note[] = [];
      let before = query.before;
      for (let scanned = 0; scanned < SCANNED; scanned += PAGE) {
        const page = await store.list({ ...query, before, limit: PAGE });
        for (const one of page) {
          before = one.id;
          if (!mayRead(principal, one)) continue;
          const note = asShown(principal, one);
          // nobody finds what they are shown masked
          if (!note.text.toLowerCase().includes(text.toLowerCase())) continue;
          notes.push(note);
          if (notes.length === limit) return { notes, next: before };
        }
        if (page.length < PAGE) return { notes };
      }
      return { notes, next: before };
    },
  );
}

function addRoute(app: Api, context: ApiContext): void {
  const store = noteStore(context.meta);
  const onRequest = requirePermission('note.write');

  app.post(
    '/notes',
    {
      schema: { tags, summary: 'Writes a note.', body: NewNote, response: { 200: Note } },
      onRequest,
    },
    async (request) => {
      const { about, object, text } = request.body;
      const hosts = await hostsOf(context, request, about, object);
      const { name: by, via } = principalOf(request);
      const act = { action: 'note.add', object: `${about} ${object}`, detail: { text } };
      const note = await audited(context, request, act, () =>
        store.add({ about, object, hosts, at: Date.now(), by, via, text }),
      );
      return asShown(principalOf(request), note);
    },
  );
}

function changeRoutes(app: Api, context: ApiContext): void {
  const store = noteStore(context.meta);
  const onRequest = requirePermission('note.write');

  app.put(
    '/notes/:id',
    {
      schema: {
        tags,
        summary: 'Changes a note of your own.',
        params: IdParameters,
        body: NoteText,
        response: { 200: Note },
      },
      onRequest,
    },
    async (request) => {
      const { text } = request.body;
      const { id, about, object } = await noteToChange(context, request, { others: false });
      const act = { action: 'note.edit', object: `${about} ${object}`, detail: { note: id, text } };
      const note = await audited(context, request, act, () => store.edit(id, text));
      if (note === undefined) throw noNote(id);
      return asShown(principalOf(request), note);
    },
  );

  app.delete(
    '/notes/:id',
    {
      schema: {
        tags,
        summary: 'Removes a note of your own, or any with alert.manage.',
        params: IdParameters,
        response: { 200: Done },
      },
      onRequest,
    },
    async (request) => {
      const { id, about, object, by } = await noteToChange(context, request, { others: true });
      const act = { action: 'note.remove', object: `${about} ${object}`, detail: { note: id, by } };
      if (!(await audited(context, request, act, () => store.remove(id)))) throw noNote(id);
      return { done: true as const };
    },
  );
}

function presenceRoute(app: Api, { meta }: ApiContext): void {
  const people = presence(meta);

  app.post(
    '/me/presence',
    {
      schema: {
        tags: ['me'],
        summary: 'That you are looking now; tells since when you were away, if you were.',
        description: 'A request with the header x-unattended only asks.',
        body: PresenceRequest,
        response: { 200: PresenceAnswer },
      },
    },
    async (request) => {
      const owner = ownerOf(request);
      if (request.body.caughtUp === true) {
        await people.caughtUp(owner);
        return {};
      }
      return { away: await people.seen(owner, !('x-unattended' in request.headers)) };
    },
  );
}

/** The hosts that something concerns, provided that the caller may see it; otherwise 404. */
async function hostsOf(
  context: ApiContext,
  request: FastifyRequest,
  about: Noted,
  object: string,
): Promise<readonly string[]> {
  if (about === 'message') {
    const { source, target } = await visibleMessage(context, request, idOf(object));
    return [source, target];
  }
  if (about === 'host') {
    checkVisibleHost(request, object);
    const { hosts } = await context.engines.describe();
    if (hosts.some(({ name }) => name === object)) return [object];
    throw new ApiError(404, 'HOST_UNKNOWN', `there is no host ${object}`);
  }
  const alert = await context.alerts.find(idOf(object));
  if (alert === undefined || !isShown(alert, principalOf(request).visibleHosts))
    throw new ApiError(404, 'NOT_FOUND', `there is no alert ${object}`);
  return alert.host === undefined ? [] : [alert.host];
}

/** An id as it is written; 0, which nothing has, for anything else. */
const idOf = (text: string): number => (/^\d{1,16}$/.test(text) ? Number(text) : 0);

/** A note that the caller may change: their own, or with `others` any if they manage alerts. */
async function noteToChange(
  { meta }: ApiContext,
  request: FastifyRequest & { readonly params: { readonly id: number } },
  { others }: { readonly others: boolean },
): Promise<StoredNote> {
  const { id } = request.params;
  const principal = principalOf(request);
  const note = await noteStore(meta).find(id);
  if (note === undefined || !mayRead(principal, note)) throw noNote(id);
  if (isOwn(principal, note) || (others && principal.permissions.has('alert.manage'))) return note;
  throw new ApiError(403, 'FORBIDDEN', `note ${id} is by ${note.by}: only its writer changes it`);
}

const noNote = (id: number): ApiError => new ApiError(404, 'NOT_FOUND', `there is no note ${id}`);

function mayRead({ visibleHosts }: Principal, { hosts }: StoredNote): boolean {
  return visibleHosts === undefined || hosts.some((host) => visibleHosts.includes(host));
}

/** A token writes in the name of its user. */
function isOwn({ name, via }: Principal, note: StoredNote): boolean {
  return note.by === name && (note.via === via || (isLocal(note.via) && isLocal(via)));
}

const isLocal = (via: string): boolean => via === 'local' || via === 'token';

/** A note may name a patient, as any text of a person may. */
function asShown(principal: Principal, note: StoredNote): Note {
  const { unmasked, visibleHosts } = principal;
  const { hosts, via: _via, text, ...rest } = note;
  const seesAll = visibleHosts === undefined || hosts.every((host) => visibleHosts.includes(host));
  const shown = unmasked && seesAll ? text : maskedWords(text);
  return { ...rest, text: shown, own: isOwn(principal, note) };
}
