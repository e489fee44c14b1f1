import { setting } from 'waybill/adapter';

const base: setting.Setting<string, string> = {
  kind: 'text',
  help: 'Below which path the files are. The operations of this and other services at the address come first.',
  example: '/app',
  default: '/',
  read: (given) =>
    typeof given === 'string' && /^\/(?:[\w.-]+(?:\/[\w.-]+)*)?\/?$/.test(given)
      ? setting.good(given.replace(/\/$/, ''))
      : setting.bad('must be a literal path such as / or /app'),
};

const fields = {
  folder: setting.path({
    help: 'The folder with the files, such as what a build of a single-page app makes. They are for everybody. Read with each request; files whose names begin with a dot, and links that lead out of it, are not served. A file beside it with .br or .gz added is sent to whoever accepts that.',
    example: 'app/dist',
  }),
  path: base,
  singlePage: setting.flag({
    help: 'Whether index.html is the answer where a browser opens a page that is no file: the app has routes of its own.',
    default: true,
  }),
  immutable: setting.list(setting.text({ help: 'A folder below folder.' }), {
    help: 'Folders whose files have a hash in their names: browsers keep them for a year without asking. Others are asked for each time, and sent if they have changed.',
    default: ['assets'],
  }),
  contentSecurityPolicy: setting.text({
    help: 'What a page may load, and from where (CSP).',
    default:
      "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    advanced: true,
  }),
};

export const filesSettings = setting.group(fields, {
  help: 'Serves a folder of files, such as a single-page app, beside the operations.',
});

export type FilesValues = setting.ValuesOf<typeof fields>;
