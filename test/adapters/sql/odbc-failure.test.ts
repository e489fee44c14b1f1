import { expect, test } from 'vitest';
import { connectFailure } from '../../../adapters/sql/odbc-failure.ts';

test.for([
  "Cannot find module '/srv/node_modules/odbc/lib/bindings/napi-v8/odbc.node'\nRequire stack:\n- /srv/node_modules/odbc/lib/odbc.js",
  '/srv/node_modules/odbc/lib/bindings/napi-v8/odbc.node: invalid ELF header',
])('a package that was not built is told as that, and tried no more: %s', (message) => {
  const failure = connectFailure([{ state: '', code: 0, message }], 'DSN=laboratory', undefined);
  expect(failure).toMatchObject({
    code: 'ADAPTER_DISABLED',
    message: expect.stringMatching(/npm rebuild odbc/),
  });
});
