import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshCredentials } from '../../src/definition/fresh-credentials.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { productionFolder } from '../support/production.ts';

const PRODUCTION = `production: p
credentials:
  file: { kind: basic, user: "\${env:ACCOUNT}", password: "a \\"\${file:password}\\" b" }
  stored: { kind: oauth2, grant: client-credentials, provider: generic, tokenUrl: "https://h/token", clientId: c, authentication: { secret: "\${secret:api}" } }
  plain: { kind: basic, user: a, password: b }
services: { in: { adapter: sample-in, to: out } }
operations: { out: { adapter: sample-out, settings: { connect: "h:1" } } }
`;

test('files and secrets of a credential are filled in as they are now; one that is away for a moment is used as it was', async () => {
  await using folder = await productionFolder({
    'production.yaml': PRODUCTION,
    password: 'first\n',
  });
  let secret: string | undefined = 'one';
  const options = { environment: { ACCOUNT: 'hub' }, secrets: () => secret };
  const { definition, problems } = await folder.read(options);
  if (definition === undefined) throw new Error(problems.map(describeProblem).join());
  const told: string[] = [];
  const fresh = freshCredentials(
    () => definition,
    { ...options, folder: folder.path },
    (name, problem) => told.push(`${name}: ${problem.what}`),
  );

  await writeFile(join(folder.path, 'password'), 'second\n');
  secret = 'two';
  expect(await fresh('file')).toMatchObject({
    kind: 'basic',
    values: { user: 'hub', password: 'a "second" b' },
    files: [join(folder.path, 'password')],
    place: definition.credentials.get('file')?.place,
  });
  expect(await fresh('stored')).toMatchObject({ values: { authentication: { secret: 'two' } } });
  expect(await fresh('plain')).toBeUndefined();
  expect(await fresh('unknown')).toBeUndefined();
  expect(told).toEqual([]);

  await rm(join(folder.path, 'password'));
  secret = undefined;
  expect(await fresh('file')).toMatchObject({ values: { password: 'a "second" b' } });
  expect(await fresh('stored')).toMatchObject({ values: { authentication: { secret: 'two' } } });
  expect(told).toEqual([
    'file: the file password cannot be read (ENOENT)',
    'stored: there is no secret named api',
  ]);
});
