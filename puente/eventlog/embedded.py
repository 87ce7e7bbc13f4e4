import sqlite3, uuid, time, json
from puente.eventlog.port import *
from puente.errors import ConfigError
from puente.texts import text
class EmbeddedLog:
    def __init__(self, path):
        self.c=sqlite3.connect(path, isolation_level=None, check_same_thread=True, timeout=10)
        self.c.execute("pragma journal_mode=wal"); self.c.execute("pragma synchronous=full")
        self.c.execute("create table if not exists t(id integer primary key, name text unique, ident text, end integer)")
        self.c.execute("create table if not exists e(t integer, o integer, k blob, v blob, h blob, primary key(t,o)) without rowid")
    def create(self, topics):
        out=[]
        for n in topics:
            if self.c.execute("insert or ignore into t(name,ident,end) values(?,?,0)",(n,uuid.uuid4().hex)).rowcount: out.append(n)
        return out
    def topics(self): return {n:TopicState(identity=i,end=e) for n,i,e in self.c.execute("select name,ident,end from t")}
    def state(self,t):
        r=self.c.execute("select ident,end from t where name=?",(t,)).fetchone()
        return r and TopicState(identity=r[0],end=r[1])
    def append(self, records):
        self.c.execute("begin immediate"); out=[]
        for r in records:
            i,e=self.c.execute("select id,end from t where name=?",(r.topic,)).fetchone()
            self.c.execute("insert into e values(?,?,?,?,?)",(i,e,r.key,r.value,json.dumps([[n,v.decode('latin-1')] for n,v in r.headers])))
            self.c.execute("update t set end=? where id=?",(e+1,i)); out.append(e)
        self.c.execute("commit"); return out
    def read(self,t,offset,limit=1000):
        self.c.execute("begin")
        i,ident,end=self.c.execute("select id,ident,end from t where name=?",(t,)).fetchone()
        ev=[Event(o,k,v,tuple((n,x.encode('latin-1')) for n,x in json.loads(h))) for o,k,v,h in self.c.execute("select o,k,v,h from e where t=? and o>=? order by o limit ?",(i,offset,limit))]
        self.c.execute("commit")
        nxt=ev[-1].offset+1 if len(ev)==limit else max(end,offset)
        return Batch(events=ev,next_offset=nxt,state=TopicState(identity=ident,end=end))
    def wait(self,pos,timeout):
        u=time.monotonic()+timeout
        while time.monotonic()<u:
            s=self.topics()
            if any(t in s and s[t].end>o for t,o in pos.items()): return True
            time.sleep(0.01)
        return False
    def close(self): self.c.close()
