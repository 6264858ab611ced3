import { describe, expect, test } from '@jest/globals';
import { createDatabase, createRole, databaseQuery, repairRole, roleQuery } from './sql.ts';

describe('statements', () => {
  test('quote names and values that try to break out', () => {
    expect(createRole('o"; DROP ROLE x', "v'erifier").text).toBe(`CREATE ROLE "o""; DROP ROLE x" LOGIN PASSWORD 'v''erifier'`);
    expect(repairRole('owner', 'v').text).toBe(`ALTER ROLE "owner" LOGIN PASSWORD 'v'`);
    expect(createDatabase('my db', 'App').text).toBe('CREATE DATABASE "my db" OWNER "App"');
  });

  test('look names up by parameter', () => {
    expect(roleQuery("x'y").values).toEqual(["x'y"]);
    expect(databaseQuery('d').values).toEqual(['d']);
  });
});
