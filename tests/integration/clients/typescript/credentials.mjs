// Asks a gateway that asks for keys: with a good one, twice past its quota, with one that is narrower, without any.
// node credentials.mjs CLIENT URL MODEL ROW KEY NARROW

const [, , module, url, model, row, key, narrow] = process.argv;
const { Client } = await import(module);
const rows = JSON.parse(row);

async function outcome(apiKey) {
  try {
    const client = new Client(url, { apiKey });
    for (let asked = 0; asked < 3; asked += 1) {
      await client.predict(model, rows);
    }
    return "answered";
  } catch (error) {
    return error.name;
  }
}

console.log(JSON.stringify([await outcome(key), await outcome(narrow), await outcome(undefined)]));
