import { type InboundAdapter, inbound, setting } from '../adapter/index.ts';
import { poll } from '../peer/poll.ts';
import { mediaType, writeData } from './data-type.ts';
import { configuration, global, ofChannel, VariableMap } from './maps.ts';
import { runIn, type ScriptScope } from './scope.ts';

const settings = {
  every: setting.duration({
    default: '5s',
    help: 'The pause between two runs of the script.',
  }),
};

/** The adapter for a JavaScript Reader: what its script returns is delivered, one message or a list of them. */
export function scriptReader(
  { name, id }: { readonly name: string; readonly id: string },
  script: () => unknown,
): InboundAdapter<typeof settings> {
  return inbound({
    type: 'script-in',
    title: 'Script',
    summary: 'Runs a script at intervals and delivers what it returns.',
    settings,
    polling: true,
    async open(lent) {
      const scope = scopeOf(name, id, (text) => lent.event('info', 'script', text));
      return poll(lent.settings.every, lent, async () => {
        const made = runIn(scope, script);
        for (const value of Array.isArray(made) ? (made as unknown[]) : [made]) {
          if (value === undefined || value === null || value === '') continue;
          const body = writeData('RAW', value);
          await lent.deliver({ body: Buffer.from(body), type: mediaType('RAW', body) });
        }
      });
    },
  });
}

function scopeOf(name: string, id: string, log: ScriptScope['log']): ScriptScope {
  const nowhere = { remove: () => false, removeAll: () => false, removeAllExcept: () => false };
  return {
    msg: undefined,
    tmp: undefined,
    message: undefined,
    response: undefined,
    responseStatus: undefined,
    responseStatusMessage: undefined,
    responseErrorMessage: undefined,
    channelId: id,
    channelName: name,
    channelMap: new VariableMap(),
    connectorMap: new VariableMap(),
    sourceMap: new VariableMap(),
    responseMap: new VariableMap(),
    globalMap: global,
    globalChannelMap: ofChannel(id),
    configurationMap: configuration,
    connectorMessage: undefined,
    destinationSet: nowhere,
    routed: [],
    log,
  };
}
