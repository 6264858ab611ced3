import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { SCHEMAS_FROM } from '../../support/apiserver/builtin-schemas.ts';
import { collectSchemas, schemasModule } from '../../support/apiserver/collect-schemas.ts';
import { asString, type JsonObject } from '../../support/apiserver/json.ts';
import { realServer, type RealServer } from './target.ts';

const FILE = new URL('../../support/apiserver/builtin-schemas.ts', import.meta.url);

const real = realServer({});
if (typeof real === 'string') test.skip(`the schemas of the double are those of a real API server: ${real}`, () => undefined);
else {
  describe('schemas', () => {
    let target: RealServer;
    beforeAll(async () => {
      target = await real();
    }, 60_000);
    afterAll(() => target.stop());

    test('the schemas of the double are those of a real API server of the same version', async () => {
      const get = async (path: string): Promise<JsonObject> => (await target.client.get(path)).body as unknown as JsonObject;
      const version = asString((await get('/version'))['gitVersion']);
      const text = schemasModule(await collectSchemas(get), version);
      if (process.env['KUBE_CONTRACT_UPDATE_SCHEMAS'] !== undefined) await writeFile(FILE, text);
      else if (version === SCHEMAS_FROM) expect(await readFile(FILE, 'utf8')).toBe(text);
      else console.log(`schemas not compared: they are of ${SCHEMAS_FROM}, the server is ${version}`);
    });
  });
}
