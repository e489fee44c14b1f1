import { setting } from 'waybill/adapter';
import { type HttpClientValues, httpClientSettings } from 'waybill/peer/http';

/** What one connection bears: the same for both directions and both sides. */
export const socketLimits = {
  subprotocols: setting.list(
    setting.text({ help: 'The name of a subprotocol such as v12.stomp.' }),
    {
      help: 'The subprotocols to offer or to accept, the preferred one first. If empty, none is spoken of.',
      example: '["hl7.v2"]',
    },
  ),
  limit: setting.size({
    help: 'The largest message that is taken, also after it is inflated; the connection of a larger one is closed with the code 1009.',
    default: '50MB',
    advanced: true,
  }),
  ping: setting.duration({
    help: 'How often the peer is asked for a sign of life. If none comes until the next time, the connection counts as lost.',
    default: '30s',
    advanced: true,
  }),
  compress: setting.flag({
    help: 'Whether messages are compressed (permessage-deflate), if the peer can. It costs memory for each connection.',
    default: false,
    advanced: true,
  }),
  writeTimeout: setting.duration({
    help: 'How long the peer may leave what we write unread before the connection is closed.',
    default: '30s',
    advanced: true,
  }),
};

export type SocketLimits = setting.ValuesOf<typeof socketLimits>;

const address: setting.Setting<URL, string> = {
  kind: 'url',
  help: 'The address of the WebSocket: wss with TLS, ws without.',
  example: 'wss://feed.example/results',
  read: (given) => {
    const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !/^wss?:$/.test(url.protocol)) {
      return setting.bad('must be an address that begins with wss:// or ws://');
    }
    return url.username === '' && url.password === ''
      ? setting.good(url)
      : setting.bad('must not contain a user: name a credential');
  },
};

const { credential, signIn, keyName, tls, proxy, proxyCredential, connectTimeout } =
  httpClientSettings;

/** How to reach a WebSocket server and to sign in there. */
export const callingSettings = {
  url: address,
  credential,
  signIn,
  keyName,
  tls,
  proxy,
  proxyCredential,
  connectTimeout,
  greeting: setting.list(setting.text({ help: 'A text message.' }), {
    help: 'Text messages to send as soon as a connection is open, such as a subscription.',
    example: '["bind 123"]',
  }),
};

export type CallingValues = setting.ValuesOf<typeof callingSettings>;

/** The rest of a web client's settings: its one request opens the connection. */
export const clientValues = (calling: CallingValues): HttpClientValues => ({
  ...calling,
  timeout: calling.connectTimeout,
  stayConnected: 0,
  connections: 1,
  redirects: 'never',
  replyLimit: 65_536,
});
