// Has a conversation through Node's `ws`: a line of stdin is a message to send, and how many answers to
// wait for; they go out on stdout, a line each. Behind the last line: a ping, and then the close code.
const { createInterface } = require("node:readline");
const WebSocket = require("ws");

const client = new WebSocket(process.argv[2], ["atomic-store.v1"]);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const answers = [];
let wanted = () => {};
client.on("message", (data) => {
  answers.push(JSON.parse(data.toString("utf8")));
  wanted();
});
client.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
client.on("close", (code) => {
  say(code);
  process.exit(0);
});
client.on("open", async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    const { said, count } = JSON.parse(line);
    client.send(JSON.stringify(said));
    while (answers.length < count) await new Promise((resolve) => (wanted = resolve));
    say(answers.splice(0, count));
  }
  client.once("pong", () => say("pong"));
  client.ping();
});
