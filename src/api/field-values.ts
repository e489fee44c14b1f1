import type { Principal } from '../access/rights/principal.ts';
import { kindOf } from '../document/document-of.ts';
import { WorkTurn } from '../time/work-turn.ts';
import { keyReader } from '../trace/key-reader.ts';
import { masked } from '../trace/masked.ts';
import { scopeOf } from '../trace/scope.ts';
import type { SearchKey } from '../trace/trace-input.ts';
import type { KeyReader } from '../trace/trace-store.ts';
import {
  isOpenTo,
  isVisible,
  type StoredBody,
  type TracedMessage,
} from '../trace/traced-message.ts';
import type { ApiContext } from './context.ts';

/** Search field → its values in a message. */
type FieldValues = Readonly<Record<string, readonly string[]>>;

type WithFields<Message> = Message & { readonly fields?: FieldValues };

type Context = Pick<ApiContext, 'trace' | 'bodies' | 'mask' | 'search'>;
type Viewer = Pick<Principal, 'permissions' | 'unmasked' | 'visibleHosts'>;

/** The most values of a field that are shown; a file may have thousands. */
const VALUES = 20;

/**
 * Yields messages with the values of search fields, as the viewer may see them. They come from the
 * message's own body or, if that has none, from the body its session or branch began with, since a search
 * finds all of it.
 */
export async function withFields<Message extends TracedMessage>(
  context: Context,
  viewer: Viewer,
  messages: readonly Message[],
  names: readonly string[],
): Promise<readonly WithFields<Message>[]> {
  if (names.length === 0) return messages;
  const read = valueReader(context, viewer, names);
  const firsts = new Map<number, Promise<FieldValues>>();
  const ofFirst = async (id: number): Promise<FieldValues> => {
    const message = await context.trace.message(id);
    if (message === undefined || !isVisible(message, viewer.visibleHosts)) return {};
    return read(message);
  };
  const found: WithFields<Message>[] = [];
  const turn = new WorkTurn();
  for (const message of messages) {
    const { id } = message;
    const scope = scopeOf(message);
    const own = await read(message);
    if (id === scope) firsts.set(id, Promise.resolve(own));
    const isWhole = names.every((name) => own[name] !== undefined);
    if (!isWhole && !firsts.has(scope)) firsts.set(scope, ofFirst(scope));
    found.push({
      ...message,
      fields: isWhole ? own : { ...(await firsts.get(scope)), ...own },
    });
    if (turn.isOver()) await turn.next();
  }
  return found;
}

/** Reads the fields of one message. */
function valueReader(
  { trace, bodies, mask, search }: Context,
  viewer: Viewer,
  names: readonly string[],
): (message: TracedMessage) => Promise<FieldValues> {
  const wanted = new Map([...search()].filter(([name]) => names.includes(name)));
  const large = Promise.resolve(bodies);
  const open = keyReader(wanted, large);
  const closed = keyReader(wanted, large, mask);
  return async (message) => {
    // even the length of a value is only shown to those who may open the body
    if (!isOpenTo(message, viewer.visibleHosts)) return {};
    const body = await trace.body(message.id);
    // a large body that is not HL7 would have to be read completely
    if (body === undefined || (body.ref !== undefined && kindOf(body.type) !== 'hl7')) return {};
    const mayRead = viewer.permissions.has('message.content');
    const keys = await shownKeys(body, { open, closed }, mayRead && viewer);
    const values = Map.groupBy(
      keys.filter(({ name }) => names.includes(name)),
      ({ name }) => name,
    );
    return Object.fromEntries(
      [...values].map(([name, all]) => [name, all.slice(0, VALUES).map(valueOf)]),
    );
  };
}

/** Masked like the body; completely if the body may not be seen or cannot be shown masked. */
async function shownKeys(
  body: StoredBody,
  { open, closed }: { readonly open: KeyReader; readonly closed: KeyReader },
  reader: Pick<Viewer, 'unmasked'> | false,
): Promise<readonly SearchKey[]> {
  if (reader !== false) {
    if (reader.unmasked) return open(body);
    try {
      return await closed(body);
    } catch {
      // this kind of body is never shown masked
    }
  }
  return (await open(body)).map(({ name, value }) => ({ name, value: masked(value) }));
}

const valueOf = ({ value }: SearchKey): string => value;
