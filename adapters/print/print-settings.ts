import { setting } from 'waybill/adapter';
import { type HttpClientValues, httpClientSettings } from 'waybill/peer/http';

/** The usual port of IPP. */
const PORT = 631;

const address: setting.Setting<URL, string> = {
  kind: 'url',
  help: 'The printer, or the queue of a print server: ipps with TLS, ipp without.',
  example: 'ipps://printer.ward.example/ipp/print',
  read: (given) => {
    const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !/^ipps?:$/.test(url.protocol) || url.hostname === '') {
      return setting.bad('must be an address such as ipps://printer.example/ipp/print');
    }
    return url.username === '' && url.password === ''
      ? setting.good(url)
      : setting.bad('must not contain a user: name a credential');
  },
};

const SIDES = {
  default: 'As the printer is set up',
  'one-sided': 'One side',
  'two-sided-long-edge': 'Both sides, to be turned like a book',
  'two-sided-short-edge': 'Both sides, to be turned like a notepad',
};

const paper = {
  copies: setting.integer({ help: 'How many copies.', default: 1, minimum: 1, maximum: 999 }),
  sides: setting.choice(SIDES, { help: 'On which sides is printed.', default: 'default' }),
  media: setting.optional(
    setting.text({
      help: 'The paper, by its name in IPP or that of a tray. Default: as the printer is set up.',
      example: 'iso_a4_210x297mm',
    }),
  ),
  color: setting.choice(
    { default: 'As the printer is set up', color: 'In colour', monochrome: 'In black and white' },
    { help: 'Whether colour is used.', default: 'default', advanced: true },
  ),
};

const job = {
  name: setting.template({
    help: 'The name of the job. It is shown on displays and kept in logs: keep patient data out. The number of the message is added, by which a job is found again.',
    default: 'Waybill {id}',
  }),
  user: setting.text({
    help: 'The user for whom is printed, as the printer shows it; a sign-in counts more.',
    default: 'waybill',
    advanced: true,
  }),
  format: setting.optional(
    setting.text({
      help: "The format of the documents. Default: the message's type if it is a media type such as application/pdf, text/plain for other texts. With application/octet-stream the printer finds out.",
      example: 'application/pdf',
    }),
  ),
  follow: setting.choice(
    {
      end: 'It is followed until it has ended',
      accepted: 'A message is done once the printer has taken the job',
    },
    { help: 'How far a job is followed.', default: 'end' },
  ),
  jobTimeout: setting.duration({
    help: 'How long a job may take to be printed. After that its code is HELD or WAITING; it stays at the printer.',
    default: '5m',
  }),
};

const { credential, signIn, keyName, tls, proxy, proxyCredential, timeout, connectTimeout } =
  httpClientSettings;

export const printSettings = {
  url: address,
  ...job,
  ...paper,
  credential,
  signIn,
  keyName,
  tls,
  proxy,
  proxyCredential,
  timeout,
  connectTimeout,
};

export type PrintValues = setting.ValuesOf<typeof printSettings>;

/** The address for a web client: IPP is HTTP on a port of its own. */
export function webAddress(url: URL): URL {
  const scheme = url.protocol === 'ipps:' ? 'https' : 'http';
  return new URL(`${scheme}://${url.hostname}:${url.port || PORT}${url.pathname}${url.search}`);
}

/** The rest of a web client's settings. */
export const clientValues = (values: PrintValues): HttpClientValues => ({
  ...values,
  stayConnected: 5_000,
  connections: 16,
  redirects: 'never',
  replyLimit: 4 * 1_048_576,
});
