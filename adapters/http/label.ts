import { setting } from 'waybill/adapter';
import { type Caller, type Incoming } from 'waybill/peer';

/** Makes the name of a message from a request. */
export type Label = (incoming: Incoming, caller: Caller | undefined) => string;

const PLACE = /\{([^{}]*)\}/g;

type Read = (incoming: Incoming, caller: Caller | undefined) => string | undefined;

function placeOf(name: string): Read | undefined {
  if (name === 'method') return ({ method }) => method;
  if (name === 'path') return ({ path }) => path;
  if (name === 'caller') return (_, caller) => caller?.name;
  const [, kind, of = ''] = /^(header|query|parameter)\.(.+)$/.exec(name) ?? [];
  if (kind === 'header') return ({ headers }) => headers[of.toLowerCase()]?.toString();
  if (kind === 'query') return ({ query }) => query.get(of) ?? undefined;
  if (kind === 'parameter') return ({ parameters }) => parameters[of];
  return undefined;
}

/** Parses a text with placeholders in braces that are filled in from the request. */
export const label: setting.Setting<Label, string | undefined> = {
  kind: 'text',
  help: 'The name of a message, seen in the trace and by rules as name. In braces: method, path, caller, header.NAME, query.NAME, parameter.NAME.',
  example: '{header.X-File-Name}',
  default: '{method} {path}',
  read: (given) => {
    if (typeof given !== 'string') return setting.bad('must be text');
    const wrong = [...given.matchAll(PLACE)].find(([, name = '']) => placeOf(name) === undefined);
    if (wrong !== undefined) {
      return setting.bad(
        `cannot fill in ${wrong[0]}; the placeholders are method, path, caller, header.NAME, query.NAME and parameter.NAME`,
      );
    }
    return setting.good(labelOf(given));
  },
};

/** Split once: this runs for each request. */
function labelOf(given: string): Label {
  // Because of its group, the pattern yields texts and names in turn.
  const parts = given.split(PLACE).map((part, at): Read => {
    return at % 2 === 0 ? () => part : (placeOf(part) ?? (() => undefined));
  });
  return (incoming, caller) => {
    let text = '';
    for (const part of parts) text += part(incoming, caller) ?? '';
    return text.slice(0, 500);
  };
}
