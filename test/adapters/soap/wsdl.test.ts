import { expect, test } from 'vitest';
import soapOut from '../../../adapters/soap/soap-out.ts';
import { readGiven } from '../../support/open-adapter.ts';
import { filesIn, ordersWsdl } from '../../support/soap-files.ts';

/** What `waybill check` would say, in short. */
async function checked(
  files: Readonly<Record<string, string>>,
  given: Readonly<Record<string, unknown>> = {},
): Promise<readonly string[]> {
  await using folder = await filesIn(files);
  const settings = readGiven(
    soapOut.settings,
    { wsdl: 'orders.wsdl', ...given },
    {
      folder: folder.path,
      credentials: { lab: { kind: 'basic', user: 'lab', password: 'x' } },
    },
  );
  const faults = (await soapOut.check?.(settings)) ?? [];
  return faults.map(({ path, place, what, remedy, severity }) => {
    const file = place?.file.replace(`${folder.path}/`, '');
    const where = place === undefined ? '' : ` ${file}:${place.line}:${place.column}`;
    return `${severity ?? 'error'} ${path.join('.')}${where}: ${what}. ${remedy}`;
  });
}

const changed = (from: string | RegExp, to: string): Record<string, string> => {
  const files = ordersWsdl();
  return { ...files, 'orders.wsdl': (files['orders.wsdl'] ?? '').replace(from, to) };
};

test('a WSDL with its schema beside it has no fault', async () => {
  expect(await checked(ordersWsdl())).toEqual([]);
});

test('an operation is one of the WSDL', async () => {
  expect(await checked(ordersWsdl(), { operation: 'PlaceOder' })).toEqual([
    'error operation: the WSDL has no operation PlaceOder. Did you mean PlaceOrder?',
  ]);
  expect(await checked(ordersWsdl(), { operation: '{type}' })).toEqual([]);
});

test.for<[string, Record<string, string>, string]>([
  ['is missing', {}, 'there is no such file'],
  [
    'imports from a web address',
    changed('schemas/orders.xsd', 'http://127.0.0.1:1/orders.xsd'),
    'it imports from an address that is not a file beside it',
  ],
  [
    'imports by an absolute path',
    changed('schemas/orders.xsd', '/etc/passwd'),
    'it imports from an address that is not a file beside it',
  ],
  [
    'imports by a file address',
    changed('schemas/orders.xsd', 'file:///etc/passwd'),
    'it imports from an address that is not a file beside it',
  ],
  [
    'imports what is not there',
    { 'orders.wsdl': ordersWsdl()['orders.wsdl'] ?? '' },
    'there is no such file',
  ],
  [
    'has entities',
    changed('<definitions', '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><definitions'),
    'it has a document type declaration (DTD), which is not accepted',
  ],
  ['is cut off', changed(/<\/service>[^]*$/, ''), 'it is not well-formed'],
  [
    'binds to what is not there',
    changed('binding="lab:OrdersBinding"', 'binding="lab:Other"'),
    'there is no binding lab:Other',
  ],
  ['has encoded messages', changed('use="literal"', 'use="encoded"'), 'use encoded'],
  ['has no service', changed(/<service[^]*<\/service>/, ''), 'it has no port with SOAP over HTTP'],
  [
    'has an element that no schema declares',
    changed('element="lab:Order"', 'element="lab:Oder"'),
    'no schema declares the element Oder',
  ],
])('a WSDL that %s is told with its place', async ([, files, said]) => {
  const faults = await checked(files);
  expect(faults.join('\n')).toContain(said);
  expect(faults[0]).toMatch(/\.(wsdl|xsd):\d+:\d+|^error wsdl/);
});

test('files that import each other are read once', async () => {
  const include = '<xs:include schemaLocation="orders.xsd"/>';
  const files = ordersWsdl();
  const xsd = (files['schemas/orders.xsd'] ?? '').replace(
    '<xs:complexType',
    `${include}<xs:complexType`,
  );
  expect(await checked({ ...files, 'schemas/orders.xsd': xsd })).toEqual([]);
});

test('of several ports one is named', async () => {
  const more = '<port name="Other" binding="lab:OrdersBinding"/></service>';
  const files = changed('</service>', more);
  expect(await checked(files)).toEqual([
    'error port: is needed, since the WSDL has several ports. It has OrdersPort (SOAP 1.1), Other (SOAP 1.1).',
  ]);
  expect(await checked(files, { port: 'OrdersPort' })).toEqual([]);
  expect(await checked(files, { port: 'Other' })).toEqual([
    'error url: is needed, since the WSDL has no web address for the port. Say where the service is.',
  ]);
  expect((await checked(files, { port: 'Third' }))[0]).toContain('the WSDL has no port Third');
});

test('settings that do not fit together are told', async () => {
  const security = { certificate: 'key' };
  expect(await checked(ordersWsdl(), { version: '1.2' })).toHaveLength(1);
  expect(await checked(ordersWsdl(), { security: {} })).toHaveLength(1);
  await expect(checked(ordersWsdl(), { security })).rejects.toThrow('no credential named key');
});

test('a password that anybody on the way could read is told', async () => {
  const security = { username: 'lab', proof: 'text' };
  expect(await checked(ordersWsdl(), { security })).toEqual([
    'warning security.proof: text sends the password itself, and the address is not https. Say proof: digest, or an https address.',
  ]);
  expect(await checked(ordersWsdl(), { security, url: 'https://lab.example/x' })).toEqual([]);
  expect(await checked(ordersWsdl(), { security: { username: 'lab' } })).toEqual([]);
});
