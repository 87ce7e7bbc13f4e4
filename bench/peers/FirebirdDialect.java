import io.debezium.connector.jdbc.JdbcSinkConnectorConfig;
import io.debezium.connector.jdbc.JdbcSinkRecord;
import io.debezium.connector.jdbc.dialect.DatabaseDialect;
import io.debezium.connector.jdbc.dialect.DatabaseDialectProvider;
import io.debezium.connector.jdbc.dialect.GeneralDatabaseDialect;
import io.debezium.connector.jdbc.dialect.SqlStatementBuilder;
import io.debezium.connector.jdbc.relational.TableDescriptor;
import org.hibernate.SessionFactory;
import org.hibernate.dialect.Dialect;

/** What Debezium's sink lacks for Firebird: without it a row can be inserted, and never updated. */
public class FirebirdDialect extends GeneralDatabaseDialect {
    public static class Provider implements DatabaseDialectProvider {
        @Override
        public boolean supports(Dialect dialect) {
            return dialect instanceof org.hibernate.community.dialect.FirebirdDialect;
        }

        @Override
        public Class<?> name() {
            return FirebirdDialect.class;
        }

        @Override
        public DatabaseDialect instantiate(JdbcSinkConnectorConfig config, SessionFactory factory) {
            return new FirebirdDialect(config, factory);
        }
    }

    private FirebirdDialect(JdbcSinkConnectorConfig config, SessionFactory factory) {
        super(config, factory);
    }

    @Override
    public String getUpsertStatement(TableDescriptor table, JdbcSinkRecord row) {
        return new SqlStatementBuilder()
            .append("UPDATE OR INSERT INTO " + getQualifiedTableName(table.getId()) + " (")
            .appendLists(", ", row.keyFieldNames(), row.nonKeyFieldNames(), name -> columnNameFromField(name, row))
            .append(") VALUES (")
            .appendLists(", ", row.keyFieldNames(), row.nonKeyFieldNames(), name -> columnQueryBindingFromField(name, table, row))
            .append(") MATCHING (")
            .appendList(", ", row.keyFieldNames(), name -> columnNameFromField(name, row))
            .append(")")
            .build();
    }
}
