import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import type { Principal } from '../../../src/access/rights/principal.ts';
import { whileAllowed } from '../../../src/access/rights/still-allowed.ts';

const principal: Principal = {
  name: 'anna',
  roles: ['engineer'],
  permissions: new Set(['message.export', 'message.search']),
  visibleHosts: undefined,
  unmasked: true,
  via: 'local',
};

/** A reader who takes a second for each part, and what they may do by then. */
async function read(rights: readonly (Principal | undefined)[]): Promise<number[]> {
  let time = 0;
  const asked = rights.values();
  const signInAgain = () => Promise.resolve(asked.next().value ?? undefined);
  const request = { principal, signInAgain } as unknown as FastifyRequest;
  async function* parts(): AsyncGenerator<number> {
    for (let n = 0; n < 4; n += 1) {
      yield n;
      time += 1_000;
    }
  }
  const got: number[] = [];
  try {
    for await (const part of whileAllowed(request, parts(), () => time)) got.push(part);
  } catch (error) {
    got.push((error as { readonly status: number }).status);
  }
  return got;
}

test('a long answer breaks off once its reader is signed out, or may see less', async () => {
  const less = new Set(principal.permissions);
  less.delete('message.export');
  expect(await read([principal, principal, principal])).toEqual([0, 1, 2, 3]);
  expect(await read([principal, undefined])).toEqual([0, 1, 401]);
  expect(await read([{ ...principal, permissions: less }])).toEqual([0, 401]);
  expect(await read([{ ...principal, unmasked: false }])).toEqual([0, 401]);
  expect(await read([principal, { ...principal, visibleHosts: ['lab-out'] }])).toEqual([0, 1, 401]);
});

test('a token counts as of when the answer began, for an hour', async () => {
  let time = 0;
  const asked: (number | undefined)[] = [];
  const signInAgain = (at?: number) => {
    asked.push(at);
    return Promise.resolve(principal);
  };
  const request = { principal, signInAgain } as unknown as FastifyRequest;
  async function* parts(): AsyncGenerator<number> {
    yield 0;
    time += 1_800_000;
    yield 1;
    time += 1_800_000;
    yield 2;
  }
  const got: number[] = [];
  for await (const part of whileAllowed(request, parts(), () => time)) got.push(part);
  expect(got).toEqual([0, 1, 2]);
  expect(asked).toEqual([expect.closeTo(Date.now(), -5), undefined]);
});
