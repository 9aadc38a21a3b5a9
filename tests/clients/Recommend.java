// Calls recommend_posts and prints one JSON array of rows per call.
// java -cp postgresql.jar Recommend.java URL USER PREPARE_THRESHOLD CALLS USER_ID TS K [VARIANT], password in PGPASSWORD
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

public class Recommend {
    static final String SQL =
        "select rank, post_id, topic, text, score, variant, source, model_version, features_as_of"
        + " from pgfeed.recommend_posts(?, ?, ?, ?) order by rank";

    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("user", args[1]);
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("prepareThreshold", args[2]);
        try (Connection connection = DriverManager.getConnection(args[0], properties);
                PreparedStatement statement = connection.prepareStatement(SQL)) {
            for (int call = 0; call < Integer.parseInt(args[3]); call++) {
                statement.setLong(1, Long.parseLong(args[4]));
                statement.setObject(2, OffsetDateTime.parse(args[5]));
                statement.setInt(3, Integer.parseInt(args[6]));
                statement.setString(4, args.length > 7 ? args[7] : null);
                System.out.println(rows(statement));
            }
        }
    }

    static List<String> rows(PreparedStatement statement) throws Exception {
        List<String> rows = new ArrayList<>();
        try (ResultSet result = statement.executeQuery()) {
            while (result.next()) {
                rows.add(String.format("[%d, %d, %s, %s, %s, %s, %s, %d, %s]",
                    result.getInt(1), result.getLong(2), quote(result.getString(3)), quote(result.getString(4)),
                    Double.toString(result.getDouble(5)), quote(result.getString(6)), quote(result.getString(7)),
                    result.getInt(8), quote(result.getObject(9, OffsetDateTime.class).toString())));
            }
        }
        return rows;
    }

    static String quote(String text) {
        return text == null ? "null" : '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
