/** Dies in the middle of bringing a database to a form to come, as a plane that is killed; the test opens it then. */
import type { MetaPlace } from '../../src/access/meta/meta-database.ts';
import { META_MIGRATIONS, metaDatabase } from '../../src/access/meta/open-meta.ts';
import { DAY_MIGRATIONS, openTraceFile } from '../../src/trace/store/sqlite/schema.ts';

const [kind, where = ''] = process.argv.slice(2);
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

if (kind === 'trace') {
  openTraceFile(where, 'day', [
    ...DAY_MIGRATIONS,
    (db) => {
      db.exec('ALTER TABLE message ADD COLUMN half INTEGER; UPDATE message SET half = 1');
      die();
    },
  ]);
} else {
  await metaDatabase(JSON.parse(where) as MetaPlace, [
    ...META_MIGRATIONS,
    async (session) => {
      await session.run('ALTER TABLE "user" ADD COLUMN half TEXT');
      await session.run(`UPDATE "user" SET half = 'x'`);
      die();
    },
  ]);
}
