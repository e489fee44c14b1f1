import { expect, test } from 'vitest';
import fhirOut from '../../../adapters/fhir/fhir-out.ts';
import { inlineBody } from '../../../src/message/body.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { fhirServer } from '../../support/fhir-server.ts';
import { openResources } from '../../support/nothing-open.ts';
import { sentAtLast } from '../../support/supervised.ts';

const CUTS = 40;
const identifier = [{ system: 'urn:mrn', value: '4711' }];
const NEW = { resourceType: 'Patient', identifier };
const KNOWN = { ...NEW, id: 'p1' };

test.for<[string, object, Record<string, unknown>, Direction]>([
  ['a conditional create', NEW, { ifNoneExist: 'identifier=urn:mrn|4711' }, 'toServer'],
  ['a conditional create', NEW, { ifNoneExist: 'identifier=urn:mrn|4711' }, 'toClient'],
  ['an update', KNOWN, {}, 'toServer'],
  ['an update', KNOWN, {}, 'toClient'],
])(
  '%s whose connection is cut anywhere makes one resource, and leaves nothing open',
  async ([, resource, settings, direction]) => {
    await using server = await fhirServer();
    const body = inlineBody(Buffer.from(JSON.stringify(resource)));
    const resources = openResources();
    const proxy = await cuttingProxy(server.web.port);
    const given = { url: `http://localhost:${proxy.port}/r4`, ...settings };
    const sent = (): Promise<string[]> => sentAtLast(fhirOut, { given, options: {} }, { body });
    expect(await sent()).toEqual([]);
    const { length } = proxy.passed(direction);
    let failed = 0;
    for (let n = 0; n < CUTS; n++) {
      server.resources.clear();
      proxy.cutNext(direction, Math.floor(((length - 1) * n) / (CUTS - 1)));
      const errors = await sent();
      failed += errors.length;
      expect([[], ['ADAPTER_TEMPORARY']], `cut ${n}`).toContainEqual(errors);
      expect([...server.resources.values()], `cut ${n}`).toMatchObject([resource]);
    }
    expect(failed).toBeGreaterThan(CUTS - 5);
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await resources.expectNothingNew();
  },
);
