import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'fhir-kit-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reply } from '../../../src/message/message.ts';
import { type Json, patient, reply, type Server, server } from './serving.ts';

async function curl(...given: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('curl', ['-s', '-i', ...given]);
  return stdout;
}

/** A server with resources in memory, as the target of the messages. */
function store() {
  const all = new Map<string, Json>();
  let last = 0;
  const put = (resource: Json, id: string): Json => {
    const version = String(Number(Object(Object(all.get(id))['meta'])['versionId'] ?? 0) + 1);
    const kept = { ...resource, id, meta: { versionId: version } };
    all.set(id, kept);
    return kept;
  };
  return (body: Uint8Array): Reply => {
    const { interaction, id, resource, query } = JSON.parse(Buffer.from(body).toString('utf8')) as {
      interaction: string;
      id?: string;
      resource: Json;
      query: Json;
    };
    if (interaction === 'create') return reply(put(resource, `n${++last}`), '201');
    if (interaction === 'update') return reply(put(resource, id ?? ''));
    if (interaction === 'read') {
      const found = all.get(id ?? '');
      return found === undefined ? reply(undefined, '404') : reply(found);
    }
    if (interaction === 'search') {
      return reply([...all.values()].filter((one) => one['gender'] === query['gender']));
    }
    const entry = (resource['entry'] as { resource: Json }[]).map((one) => {
      const { id: made } = put(one.resource, `n${++last}`);
      return { response: { status: '201 Created', location: `Patient/${String(made)}` } };
    });
    return reply({ resourceType: 'Bundle', type: 'transaction-response', entry });
  };
}

describe('clients of others', () => {
  let one: Server;
  beforeAll(async () => {
    one = await server({ validate: 'full' });
    const target = store();
    one.opened.answer(({ body }) => ({ reply: target(body), outcome: { status: 'completed' } }));
  });
  afterAll(() => one.opened.close());

  test('fhir-kit-client creates, reads, updates, searches, sends a transaction and understands refusals', async () => {
    const client = new Client({ baseUrl: one.base });
    const capabilities = await client.capabilityStatement();
    expect(capabilities).toMatchObject({ fhirVersion: '4.0.1', kind: 'instance' });
    const created = await client.create({
      resourceType: 'Patient',
      body: patient({ gender: 'female' }) as never,
    });
    expect(created).toMatchObject({ id: 'n1', meta: { versionId: '1' } });
    const read = await client.read({ resourceType: 'Patient', id: 'n1' });
    expect(read).toMatchObject({ gender: 'female' });
    await client.update({
      resourceType: 'Patient',
      id: 'n1',
      body: { ...read, active: true },
    });
    expect(await client.read({ resourceType: 'Patient', id: 'n1' })).toMatchObject({
      active: true,
      meta: { versionId: '2' },
    });
    expect(
      await client.search({ resourceType: 'Patient', searchParams: { gender: 'female' } }),
    ).toMatchObject({ total: 1, entry: [{ resource: { id: 'n1' } }] });
    const transaction = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { resource: patient({ gender: 'male' }), request: { method: 'POST', url: 'Patient' } },
      ],
    };
    expect(await client.transaction({ body: transaction })).toMatchObject({
      type: 'transaction-response',
    });
    await expect(client.read({ resourceType: 'Patient', id: 'none' })).rejects.toMatchObject({
      response: { status: 404 },
    });
    await expect(
      client.create({ resourceType: 'Patient', body: patient({ gender: 'F' }) as never }),
    ).rejects.toMatchObject({
      response: { status: 422, data: { resourceType: 'OperationOutcome' } },
    });
  });

  test('curl', async () => {
    expect(await curl(`${one.base}/metadata`)).toMatch(/^HTTP\/1\.1 200[^]*CapabilityStatement/);
    const made = await curl(
      '-H',
      'content-type: application/fhir+json',
      '-d',
      '{"resourceType":"Patient","gender":"other"}',
      `${one.base}/Patient`,
    );
    expect(made).toMatch(/^HTTP\/1\.1 201[^]*location: http.*\/fhir\/Patient\/n\d+\/_history\/1/i);
    expect(await curl(`${one.base}/Patient/none`)).toMatch(/^HTTP\/1\.1 404[^]*OperationOutcome/);
  });
});
