import { describe, expect, test } from 'vitest'
import { sessionEffectOf } from './effects.ts'

describe('what outlives its transaction is named', () => {
  test.each([
    ['LISTEN jobs', 'LISTEN'],
    ['unlisten *', 'UNLISTEN'],
    ["SET search_path = 'a'", 'SET'],
    ['/* why */ set session time zone 1', 'SET'],
    ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', 'SET'],
    ['SET ROLE reader', 'SET'],
    ['RESET ALL', 'RESET'],
    ['DISCARD TEMP', 'DISCARD'],
    ['PREPARE one AS SELECT 1', 'PREPARE'],
    ['EXECUTE one', 'EXECUTE'],
    ['DEALLOCATE ALL', 'DEALLOCATE'],
    ["LOAD 'auto_explain'", 'LOAD'],
    ['DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'DECLARE … WITH HOLD'],
    ['CREATE TEMP TABLE t (a int)', 'a temporary table'],
    ['create temporary view v as select 1', 'a temporary table'],
    ['CREATE LOCAL TEMPORARY TABLE t AS SELECT 1', 'a temporary table'],
    ['CREATE OR REPLACE TEMP VIEW v AS SELECT 1', 'a temporary table'],
    ['SELECT 1 INTO TEMP t', 'a temporary table'],
    ['CREATE TABLE pg_temp.t (a int)', 'a temporary table'],
    ['SELECT pg_advisory_lock(1)', 'a session advisory lock'],
    ['SELECT pg_catalog.pg_try_advisory_lock_shared(1, 2)', 'a session advisory lock'],
    ['SELECT "pg_advisory_unlock"(1)', 'a session advisory lock'],
    ["SELECT set_config('app.user', $1, false)", 'set_config(…, false)'],
    ['SELECT set_config($1, $2, $3)', 'set_config(…, false)'],
    ["SELECT set_config('a', concat('b', 'c'), FALSE)", 'set_config(…, false)'],
    ['BEGIN; SET x.y = 1; COMMIT', 'SET'],
    ['SELECT 1; LISTEN jobs', 'LISTEN'],
  ])('%s', (text, effect) => {
    expect(sessionEffectOf(text)).toBe(effect)
  })
})

describe('what ends with its transaction is not', () => {
  test.each([
    'SELECT 1',
    '',
    'BEGIN',
    'SET LOCAL search_path = a',
    'SET TRANSACTION READ ONLY',
    'SET CONSTRAINTS ALL DEFERRED',
    "SELECT set_config('app.user', $1, true)",
    'SELECT pg_advisory_xact_lock(1)',
    'SELECT pg_try_advisory_xact_lock_shared(1)',
    'DECLARE c CURSOR FOR SELECT 1',
    'DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1',
    'CREATE TEMP TABLE t (a int) ON COMMIT DROP',
    "PREPARE TRANSACTION 'two'",
    'UPDATE t SET a = 1',
    'INSERT INTO temp VALUES (1)',
    "SELECT 'LISTEN x; SET y = 1'",
    'SELECT 1 -- ; LISTEN x',
    'CREATE TABLE temp (temp int)',
    "NOTIFY jobs, 'x'",
    'ALTER ROLE a SET statement_timeout = 1',
    'SELECT "set", listen FROM t',
  ])('%s', (text) => {
    expect(sessionEffectOf(text)).toBeUndefined()
  })
})
