import { expect, test } from 'vitest';
import { comparable, hideSecrets, withSecrets } from '../../src/language/hidden-secrets.ts';

const KEY = `-----BEGIN PRIVATE KEY-----
          c2VjcmV0IGtleQ==
          -----END PRIVATE KEY-----`;
const TEXT = `production: ward
x-shared:
  - &pass 'anchored one'
  - &base { user: u, password: merged1 }
# password: formerly1
credentials:
  lab: { kind: basic, user: lab, password: plain1 } # token: "in a comment"
  quoted: { kind: basic, user: a, password: "it's \\"quoted\\"" }
  alias: { kind: basic, user: a, password: *pass }
  merged:
    <<: *base
    kind: basic
  named: { kind: bearer, token: '\${secret:TOKEN}' }
  file: { kind: ssh-key, user: a, privateKey: keys/id_rsa }
  client:
    kind: oauth2
    authentication:
      secret: deep1
      secretIn: body
      privateKeyJwt:
        key: |
          ${KEY}
operations:
  out:
    adapter: http-out
    settings: { url: 'https://bob:inurl1@lab.example/x', about: no secret }
`;
const SECRETS = [
  'anchored one',
  'merged1',
  'formerly1',
  'plain1',
  'in a comment',
  `it's`,
  'deep1',
  'c2VjcmV0IGtleQ==',
  'inurl1',
];
const PATH = 'production.yaml';
const files = new Map([[PATH, TEXT]]);
const back = (text: string, path = PATH): string => withSecrets(path, text, files);

test('no secret that is written in the clear is shown, and everything else is', () => {
  const shown = hideSecrets(PATH, TEXT);
  for (const secret of SECRETS) expect(shown).not.toContain(secret);
  for (const other of [
    '${secret:TOKEN}',
    'keys/id_rsa',
    'secretIn: body',
    'about: no secret',
    '*pass',
  ])
    expect(shown).toContain(other);
  expect(shown.split('\n').length).toBeLessThan(TEXT.split('\n').length);
});

test('what is sent back as it was shown is the same file, byte for byte', () => {
  expect(back(hideSecrets(PATH, TEXT))).toBe(TEXT);
  const dos = TEXT.replaceAll('\n', '\r\n');
  expect(withSecrets(PATH, hideSecrets(PATH, dos), new Map([[PATH, dos]]))).toBe(dos);
  expect(hideSecrets('wards.csv', 'password: x\n')).toBe('password: x\n');
});

test('a secret moves with its credential: renamed, copied, indented, quoted, into another file', () => {
  const shown = hideSecrets(PATH, TEXT);
  const mark = (key: string): string =>
    new RegExp(`${key}:[^\\n]*?(•••[0-9a-f]{8}\\.\\d+)`).exec(shown)?.[1] ?? '';
  const moved = `credentials:\n  other: { kind: basic, user: x, password: ${mark('lab')} }\n`;
  expect(back(moved, 'more.yaml')).toContain('password: plain1 }');
  expect(back(`password: "${mark('quoted')}"\n`)).toBe(`password: "it's \\"quoted\\""\n`);
  expect(back(`password: '${mark('quoted')}'\n`)).toBe(`password: 'it''s "quoted"'\n`);
  const key = back(`credentials:\n  a:\n    kind: jwt-key\n    key: ${mark('        key')}\n`);
  expect(key).toContain('key: "-----BEGIN PRIVATE KEY-----\\nc2VjcmV0IGtleQ==\\n');
});

test('a mark that nothing stands behind any more is refused with its line, and never another secret', () => {
  const shown = hideSecrets(PATH, TEXT);
  const changed = new Map([[PATH, TEXT.replace('user: lab', 'user: lab2')]]);
  const write = () => withSecrets(PATH, shown, changed);
  expect(write).toThrow(/production\.yaml:3: the hidden value there .* enter the secret/);
  expect(() => back('a: •••00000000.1\n')).toThrow(/enter the secret/);
  // only the secret was renewed: it is the same place
  const renewed = TEXT.replace('plain1', 'plain2');
  expect(withSecrets(PATH, shown, new Map([[PATH, renewed]]))).toBe(renewed);
});

test('a private key is hidden wherever it stands', () => {
  const text = `notes: |\n  ${KEY}\n# ${KEY.replaceAll('\n', '\n#')}\n`;
  const shown = hideSecrets(PATH, text);
  expect(shown).not.toContain('c2VjcmV0');
  expect(withSecrets(PATH, shown, new Map([[PATH, text]]))).toBe(text);
});

test('a file that is broken hides what is called a secret', () => {
  const broken = 'credentials:\n  a: { password: broken1\n  b: [\n token = "broken2"\n';
  const shown = hideSecrets(PATH, broken);
  expect(shown).not.toMatch(/broken[12]/);
  expect(withSecrets(PATH, shown, new Map([[PATH, broken]]))).toBe(broken);
});

test('two contents are compared without secrets; one that changed is told', () => {
  expect(comparable(PATH, TEXT, TEXT)).toEqual([
    comparable(PATH, TEXT, TEXT)[0],
    comparable(PATH, TEXT, TEXT)[0],
  ]);
  const [was, is] = comparable(PATH, TEXT, TEXT.replace('plain1', 'plain2'));
  expect(was).toContain('user: lab, password: ••• }');
  expect(is).toContain('user: lab, password: ••• (another) }');
  expect(`${was}${is}`).not.toMatch(/plain[12]|[0-9a-f]{8}\.\d/);
});
